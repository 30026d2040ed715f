"""Training that goes on in the middle of an epoch: where it begins, and what no model file holds."""

from collections import Counter

import keras
import numpy as np

# What Keras's own callbacks know of the epochs before; those of this package say it themselves, by `get_state`.
_STATES = {
    keras.callbacks.History: ("history", "epoch"),
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.ModelCheckpoint: ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
}


class Resuming(keras.callbacks.Callback):
    """A callback that lets `fit` begin inside an epoch, with all that the steps before have left.

    `fit` calls it after all others. It brings back what a model file does not hold: the states of dropout and of other random
    numbers, the metrics of the epoch so far, and what other callbacks know. A callback may have `get_state()`, which gives a
    dict of numbers, texts, arrays, and lists and dicts of these, and `set_state(state)`, which is called when training begins.

    Attributes:
        state: dict, what `snapshot` gave where training goes on, or None.
    """

    def __init__(self):
        super().__init__()
        self.state = None
        self._others = []

    def join(self, model, data, settings):
        """Says where `fit` begins; a subclass brings the weights back and sets `state` too.

        Args:
            model: the model that is trained.
            data: what it learns from, as `fit` got it.
            settings: dict for JSON, those arguments of `fit` on which the weights depend.

        Returns:
            epoch: int, counted from 0, the number of the first one.
            step: int, steps of it that are done.
        """
        raise NotImplementedError

    def behind(self, callbacks):
        """The callbacks of a run with this one behind them, so that it sees what they leave: a list."""
        others = [callback for callback in callbacks if callback is not self]
        if not any(isinstance(callback, keras.callbacks.History) for callback in others):
            # Keras adds its own one at the very end.
            others.append(keras.callbacks.History())
        self._others = others
        return [*others, self]

    def snapshot(self):
        """What no model file holds: dict of `variables`, a list of arrays, and `callbacks`, a dict from names to dicts."""
        variables = [keras.ops.convert_to_numpy(variable) for variable in _variables(self.model)]
        return {"variables": variables, "callbacks": self.told()}

    def told(self):
        """What the callbacks know of the steps so far: dict from their names to dicts."""
        return {name: state for name, callback in self._named() if (state := _state(callback))}

    def on_train_begin(self, logs=None):
        callbacks = (self.state or {}).get("callbacks", {})
        for name, callback in self._named():
            if name in callbacks:
                _set_state(callback, callbacks[name])

    def on_epoch_begin(self, epoch, logs=None):
        # Metrics have been emptied, and dropout begins the epoch anew: so this comes last.
        values = (self.state or {}).get("variables")
        self.state = None
        if values is None:
            return
        variables = _variables(self.model)
        if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
            # Keras makes the metrics of compile(metrics=) in the first step.
            raise RuntimeError(
                f"{len(values)} states of metrics and random numbers were kept, and the model has {len(variables)}: compile "
                "it as before, without metrics of your own, which are made too late to go on inside an epoch."
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def _named(self):
        """The callbacks and this one, each with the name of its class and its number among those."""
        seen = Counter()
        for callback in (*self._others, self):
            name = type(callback).__name__
            yield f"{name} {seen[name]}", callback
            seen[name] += 1


class Beginning:
    """What a model's `fit` needs to begin inside an epoch: a part of `Trainer`."""

    _first_step = None

    def begin_at(self, batches, step):
        """Lets the next `fit` begin its first epoch with a step of it, counted from 0; `batches` have `begin_at`."""
        self._first_step = (batches, step) if step else None

    # Keras 3.15 shows what counts the steps of `fit` nowhere else: the first on TensorFlow, the second on other backends.
    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)
        self._shorten(iterator)

    def _symbolic_build(self, iterator=None, data_batch=None):
        super()._symbolic_build(iterator=iterator, data_batch=data_batch)
        self._shorten(iterator)

    def _shorten(self, iterator):
        """Lets the first epoch of Keras's iterator have only the steps from `_first_step` on, with the numbers that they have."""
        if iterator is None or self._first_step is None:
            return
        (batches, first), self._first_step = self._first_step, None
        enumerate_epoch = iterator._enumerate_iterator

        def rest():
            iterator._enumerate_iterator = enumerate_epoch
            steps = iterator._num_batches
            if first >= steps:
                # Nothing is left but to score it.
                return
            batches.begin_at(first)
            iterator._num_batches = steps - first
            for begin, end, data in enumerate_epoch():
                yield begin + first, end + first, data
            iterator._num_batches = steps
            batches.begin_at(0)

        iterator._enumerate_iterator = rest

    def _get_metrics_result_or_logs(self, logs):
        # No logs: an epoch of which all steps were done before.
        return super()._get_metrics_result_or_logs(logs or self.get_metrics_result())


def _variables(model):
    """What changes as a model is trained and is no weight: the states of its random numbers, and its metrics."""
    random = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    return [*random, *model.metrics_variables]


def _state(callback):
    if hasattr(callback, "get_state"):
        return callback.get_state()
    return {
        name: getattr(callback, name)
        for kind, names in _STATES.items()
        if isinstance(callback, kind)
        for name in names
        if hasattr(callback, name)
    }


def _set_state(callback, state):
    if hasattr(callback, "set_state"):
        callback.set_state(state)
        return
    for name, value in state.items():
        setattr(callback, name, value)


def pack(value, arrays):
    """What JSON can hold in place of a snapshot.

    Args:
        value: dict, list, number, text, None or array, nested.
        arrays: list, to which the arrays are added.

    Returns:
        The same, with `{"array": number}` for each array.
    """
    if isinstance(value, dict):
        return {name: pack(each, arrays) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [pack(each, arrays) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    arrays.append(np.asarray(keras.ops.convert_to_numpy(value)))
    return {"array": len(arrays) - 1}


def unpack(value, arrays):
    """What `pack` got: `arrays` is the list of arrays, or what gives each by its number."""
    if isinstance(value, dict):
        if value.keys() == {"array"}:
            return arrays[value["array"]]
        return {name: unpack(each, arrays) for name, each in value.items()}
    return [unpack(each, arrays) for each in value] if isinstance(value, list) else value
