"""How does an adapter become a method? Its factor multiplies the scaling it was trained with."""

from dataclasses import asdict, replace

from steering.errors import AdapterError, ExamplesError
from steering.finetuning.fine_tune import fine_tune
from steering.finetuning.settings import FineTuneSettings
from steering.generation.condition import Condition
from steering.lora import LORA_PRESETS, preset_for
from steering.methods.task import ADAPTER_SCALES, UNDOSED, Prepared, Task
from steering.workbench import train_adapter

SMALL_TUNE = FineTuneSettings(learning_rate=3e-4, epochs=5, batch_size=8, micro_batch_size=8)
"""For models below 50 million parameters, to which AxBench's eight updates do next to nothing [our choice]."""
LARGEST_TUNED = 3_000_000_000
"""Parameters: AxBench fine-tuned Gemma-2-2B and no larger model."""


def lora(task: Task) -> Prepared:
    """LoRA on the positives of the training rows, with the settings that suit the model's size.

    Raises:
        ExamplesError: there are no positives.
        AdapterError: training failed.
    """
    model = task.loaded.model
    preset = preset_for(model.n_parameters)
    settings = replace(LORA_PRESETS[preset], seed=task.seed)
    adapter = train_adapter(model, task.examples, task.label, task.split.train, settings, should_stop=task.should_stop)
    return Prepared(
        "lora",
        lambda scale: Condition("adapted", adapter=adapter, factor=scale),
        ADAPTER_SCALES,
        details={
            "preset": preset,
            "settings": asdict(settings),
            "n_examples": adapter.n_examples,
            "n_parameters": adapter.n_parameters,
            "last_loss": adapter.losses[-1],
        },
    )


def sft(task: Task) -> Prepared:
    """All weights trained on the positives of the training rows; it has no dose.

    Raises:
        ExamplesError: there are no positives.
        AdapterError: training failed, or the model is too large for it.
    """
    model, examples = task.loaded.model, task.examples
    if model.n_parameters > LARGEST_TUNED:
        raise AdapterError(
            f"{model.name} has {model.n_parameters:,} weights, too many to fine-tune all of them; leave sft out."
        )
    positives, _ = task.sides()
    if not positives:
        raise ExamplesError(f"There are no positives of {task.label!r} to train on; choose another label.")
    settings = SMALL_TUNE if preset_for(model.n_parameters) == "small" else FineTuneSettings()
    tune = fine_tune(
        model,
        [examples.texts[row] for row in positives],
        [examples.prompts[row] for row in positives],
        settings=replace(settings, seed=task.seed),
        should_stop=task.should_stop,
    )
    return Prepared(
        "sft",
        lambda _: Condition("adapted", adapter=tune),
        UNDOSED,
        details={"settings": asdict(tune.settings), "n_examples": len(positives), "last_loss": tune.losses[-1]},
    )
