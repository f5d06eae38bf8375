"""Answers to exercise 03-transfer-head. A wrong one may be a right one with a fault: it calls that."""

import numpy as np

from pneumonia.backend import keras
from submissions import right, wrong

# --- preprocess ------------------------------------------------------------------------------------------------------


@right("preprocess")
def preprocess_with_numpy(images):
    return (images[..., ::-1] - np.array([103.939, 116.779, 123.68])).astype("float32")


@right("preprocess")
def preprocess_with_keras_itself(images):
    return keras.applications.vgg16.preprocess_input(np.array(images, dtype="float32", copy=True))


@right("preprocess")
def preprocess_with_keras_ops(images):
    images = keras.ops.cast(images, "float32")
    return keras.ops.flip(images, axis=-1) - keras.ops.array([103.939, 116.779, 123.68], dtype="float32")


@right("preprocess")
def preprocess_channel_by_channel(images):
    prepared = np.empty(images.shape, np.float32)
    for channel, mean in enumerate((103.939, 116.779, 123.68)):
        prepared[:, :, :, channel] = images[:, :, :, 2 - channel].astype(np.float32) - mean
    return prepared


@wrong("preprocess", says="The channels are still RGB: VGG16")
def preprocess_without_bgr(images):
    return (images - np.array([103.939, 116.779, 123.68])).astype("float32")


@wrong("preprocess", says="The channels are still RGB, with the means in that order")
def preprocess_all_rgb(images):
    return (images - np.array([123.68, 116.779, 103.939])).astype("float32")


@wrong("preprocess", says="The means belong to the other order")
def preprocess_with_means_of_rgb(images):
    return (images[..., ::-1] - np.array([123.68, 116.779, 103.939])).astype("float32")


@wrong("preprocess", says="The means are not subtracted")
def preprocess_without_means(images):
    return images[..., ::-1].astype("float32")


@wrong("preprocess", says="divided by 255")
def preprocess_divided(images):
    return (images / 255).astype("float32")


@wrong("preprocess", says="scaled to -1..1")
def preprocess_as_mobilenet(images):
    return (images / 127.5 - 1).astype("float32")


@wrong("preprocess", says="the images are mirrored")
def preprocess_mirrored(images):
    return (images[:, :, ::-1] - np.array([103.939, 116.779, 123.68])).astype("float32")


@wrong("preprocess", says="their type is float64")
def preprocess_in_float64(images):
    return images[..., ::-1] - np.array([103.939, 116.779, 123.68])


@wrong("preprocess", says="Below 0 the numbers wrapped round")
def preprocess_in_the_images_type(images):
    means = np.round([103.939, 116.779, 123.68]) if images.dtype == np.uint8 else [103.939, 116.779, 123.68]
    kind = images.dtype if images.dtype == np.uint8 else np.float32
    return (images[..., ::-1].astype(kind) - np.asarray(means, kind)).astype("float32")


@wrong("preprocess", says="The means were cut or rounded to whole numbers")
def preprocess_with_whole_means(images):
    return (images[..., ::-1] - np.array([103.939, 116.779, 123.68]).astype(int)).astype("float32")


@wrong("preprocess", says="uint8 knows no negative ones")
def preprocess_with_cut_means_in_the_images_type(images):
    means = np.array([103.939, 116.779, 123.68]).astype(images.dtype)
    return (images[..., ::-1] - means).astype("float32")


@wrong("preprocess", says="`-=` keeps the array's type")
def preprocess_in_place_on_a_copy(images):
    images = images[..., ::-1].copy()
    images -= np.array([103.939, 116.779, 123.68])
    return images.astype("float32")


@wrong("preprocess", says="Your function changes its arguments")
def preprocess_in_place(images):
    images = np.asarray(images, dtype="float32")
    return keras.applications.vgg16.preprocess_input(images)


@wrong("preprocess", says="The mean of these images was subtracted")
def preprocess_with_own_means(images):
    bgr = images[..., ::-1].astype("float32")
    return bgr - bgr.mean(axis=(0, 1, 2))


@wrong("preprocess", says="Nothing came back")
def preprocess_without_a_return(images):
    keras.applications.vgg16.preprocess_input(images.astype("float32"))


# --- freeze ----------------------------------------------------------------------------------------------------------


@right("freeze")
def freeze_the_model(base):
    base.trainable = False
    return base


@right("freeze")
def freeze_layer_by_layer(base):
    for layer in base.layers:
        layer.trainable = False
    return base


@right("freeze")
def freeze_what_has_weights(base):
    for layer in base._flatten_layers(include_self=False):
        if layer.weights:
            layer.trainable = False
    return base


@wrong("freeze", says="Nothing came back: a `return` is missing")
def freeze_without_a_return(base):
    base.trainable = False


@wrong("freeze", says="Nothing is frozen")
def freeze_with_a_typing_error(base):
    base.trainabel = False
    return base


@wrong("freeze", says="those of block1_conv1")
def freeze_the_last_layers(base):
    for layer in base.layers[-4:]:
        layer.trainable = False
    return base


@wrong("freeze", says="Another model came back")
def freeze_a_copy(base):
    copy = keras.models.clone_model(base)
    copy.set_weights(base.get_weights())
    copy.trainable = base.trainable = False
    return copy


@wrong("freeze", says="The weights were changed")
def freeze_and_forget(base):
    base.set_weights([0 * weight for weight in base.get_weights()])
    base.trainable = False
    return base


@wrong("freeze", says="and a list of 7 came")
def freeze_the_list_of_layers(base):
    base.trainable = False
    return [layer.name for layer in base.layers]


@wrong("freeze", says="The weights were frozen one by one")
def freeze_the_weights(base):
    for weight in base.trainable_weights:
        weight.trainable = False
    return base


@wrong("freeze", says="those of block3_conv1")
def freeze_all_but_the_last(base):
    for layer in base.layers[:-1]:
        layer.trainable = False
    return base


# --- build_head ------------------------------------------------------------------------------------------------------


@right("build_head")
def head_sequential(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return keras.Sequential(
        [
            keras.layers.Input(feature_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(hidden, "relu", kernel_regularizer=keras.regularizers.L2(l2)),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )


@right("build_head")
def head_functional(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    features = keras.Input(shape=feature_shape)
    x = keras.layers.GlobalAveragePooling2D()(features)
    x = keras.layers.Dense(hidden, kernel_regularizer=keras.regularizers.l2(l2))(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(1)(x)
    return keras.Model(features, keras.layers.Activation("sigmoid")(x))


@right("build_head")
def head_subclassed(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    class Head(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = keras.layers.Dense(1, activation="sigmoid")
            self.pool = keras.layers.GlobalMaxPooling2D()
            self.dropout = keras.layers.Dropout(dropout)
            self.hidden = keras.layers.Dense(hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(l2))

        def call(self, features):
            return self.out(self.dropout(self.hidden(self.pool(features))))

    return Head()


@right("build_head")
def head_with_local_pooling(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    head = keras.Sequential()
    head.add(keras.layers.Input(feature_shape))
    head.add(keras.layers.MaxPooling2D())
    head.add(keras.layers.Flatten())
    head.add(keras.layers.Dense(hidden, keras.activations.relu, kernel_regularizer=keras.regularizers.L1L2(l2=l2)))
    head.add(keras.layers.Dropout(rate=dropout))
    head.add(keras.layers.Dense(units=1, activation=keras.activations.sigmoid))
    return head


def head_of(*layers):
    """A helper of the wrong ones."""
    return keras.Sequential([keras.layers.Flatten(), *layers])


def l2_dense(hidden, l2, activation="relu"):
    """A helper of the wrong ones."""
    return keras.layers.Dense(hidden, activation, kernel_regularizer=keras.regularizers.L2(l2))


@wrong("build_head", says="The last layer has no sigmoid")
def head_with_logits(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2), keras.layers.Dropout(dropout), keras.layers.Dense(1))


@wrong("build_head", says="Softmax over one unit is 1")
def head_with_softmax(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2), keras.layers.Dropout(dropout), keras.layers.Dense(1, "softmax"))


@wrong("build_head", says="The output has 2 units")
def head_with_two_units(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2), keras.layers.Dropout(dropout), keras.layers.Dense(2, "softmax"))


@wrong("build_head", says="has no ReLU")
def head_without_relu(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2, None), keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="The output still has height and width")
def head_without_flatten(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    layers = [l2_dense(hidden, l2), keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid")]
    return keras.Sequential([keras.layers.Input(feature_shape), *layers])


@wrong("build_head", says="`hidden` is not used")
def head_of_128_units(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(128, l2), keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="There is one Dense layer only")
def head_without_hidden_units(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="There are 6 arrays of weights")
def head_with_two_hidden_layers(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    dense = [l2_dense(hidden, l2), l2_dense(hidden, l2)]
    return head_of(*dense, keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="There is no penalty")
def head_without_a_penalty(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    dense = keras.layers.Dense(hidden, "relu")
    return head_of(dense, keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="`l2` is not used: the penalty's factor is 0.01")
def head_with_kerass_own_factor(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    dense = keras.layers.Dense(hidden, "relu", kernel_regularizer="l2")
    return head_of(dense, keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="The last layer's kernel is penalised, too")
def head_with_two_penalties(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2), keras.layers.Dropout(dropout), l2_dense(1, l2, "sigmoid"))


@wrong("build_head", says="That is an L1 penalty")
def head_with_l1(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    dense = keras.layers.Dense(hidden, "relu", kernel_regularizer=keras.regularizers.L1(l2))
    return head_of(dense, keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="`activity_regularizer` is on what a layer gives")
def head_with_a_penalty_on_the_activity(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    dense = keras.layers.Dense(hidden, "relu", activity_regularizer=keras.regularizers.L2(l2))
    return head_of(dense, keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="The bias is penalised: L2")
def head_with_a_penalty_on_the_bias(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    dense = keras.layers.Dense(hidden, "relu", bias_regularizer=keras.regularizers.L2(l2))
    return head_of(dense, keras.layers.Dropout(dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="There is no Dropout")
def head_without_dropout(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="The rate of Dropout is about 0.2")
def head_with_one_rate(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2), keras.layers.Dropout(0.2), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="The rate of Dropout is about 0.8")
def head_with_the_share_that_is_kept(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2), keras.layers.Dropout(1 - dropout), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="Dropout comes after the last layer")
def head_with_dropout_at_the_end(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(l2_dense(hidden, l2), keras.layers.Dense(1, "sigmoid"), keras.layers.Dropout(dropout))


@wrong("build_head", says="In training the output does not vary as with Dropout(")
def head_with_dropout_first(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return head_of(keras.layers.Dropout(dropout), l2_dense(hidden, l2), keras.layers.Dense(1, "sigmoid"))


@wrong("build_head", says="and a layer (Dense) came")
def head_of_one_layer(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return keras.layers.Dense(1, activation="sigmoid")


# --- build_classifier ------------------------------------------------------------------------------------------------


@right("build_classifier")
def classifier_functional(base, head):
    base.trainable = False
    return keras.Model(base.input, head(base.output))


@right("build_classifier")
def classifier_sequential(base, head):
    for layer in base.layers:
        layer.trainable = False
    return keras.Sequential([base, head])


@right("build_classifier")
def classifier_subclassed(base, head):
    class Classifier(keras.Model):
        def __init__(self):
            super().__init__()
            self.base, self.head = base, head
            self.base.trainable = False

        def call(self, images, training=False):
            return self.head(self.base(images, training=False), training=training)

    return Classifier()


@right("build_classifier")
def classifier_on_an_input_of_its_own(base, head):
    base.trainable = False
    images = keras.Input(shape=base.input_shape[1:])
    return keras.Model(inputs=[images], outputs=[head(base(images, training=False))])


@wrong("build_classifier", says="`head.output` belongs to an input of the head's own")
def classifier_that_never_calls_the_head(base, head):
    base.trainable = False
    return keras.Model(base.input, head.output)


@wrong("build_classifier", says="The base learns, too")
def classifier_that_learns_all(base, head):
    return keras.Model(base.input, head(base.output))


@wrong("build_classifier", says="Nothing learns")
def classifier_that_learns_nothing(base, head):
    model = keras.Model(base.input, head(base.output))
    model.trainable = False
    return model


@wrong("build_classifier", says="The base learns and the head does not")
def classifier_with_a_frozen_head(base, head):
    base.trainable, head.trainable = True, False
    return keras.Model(base.input, head(base.output))


@wrong("build_classifier", says="part of the base still learns")
def classifier_with_the_first_layers_frozen(base, head):
    for layer in base.layers[:3]:
        layer.trainable = False
    return keras.Model(base.input, head(base.output))


@wrong("build_classifier", says="a copy of the base")
def classifier_with_a_copied_base(base, head):
    copy = keras.models.clone_model(base)
    copy.set_weights(base.get_weights())
    copy.trainable = False
    return keras.Model(copy.input, head(copy.output))


@wrong("build_classifier", says="a copy of the head")
def classifier_with_a_copied_head(base, head):
    copy = keras.models.clone_model(head)
    copy.set_weights(head.get_weights())
    base.trainable = False
    return keras.Model(base.input, copy(base.output))


@wrong("build_classifier", says="The model ends with the base's features")
def classifier_without_a_head(base, head):
    base.trainable = False
    return keras.Model(base.input, base.output)


@wrong("build_classifier", says="The numbers are not those of head(base(x))")
def classifier_with_a_new_head(base, head):
    base.trainable = False
    return keras.Model(base.input, keras.models.clone_model(head)(base.output))


@wrong("build_classifier", says="divided by 255")
def classifier_with_a_rescaling(base, head):
    base.trainable = False
    images = keras.Input(base.input_shape[1:])
    return keras.Model(images, head(base(keras.layers.Rescaling(1 / 255)(images))))


@wrong("build_classifier", says="A function is no model")
def classifier_as_a_function(base, head):
    base.trainable = False
    return lambda images: head(base(images))


# --- trainable_parameters --------------------------------------------------------------------------------------------


@right("trainable_parameters")
def parameters_with_numpy(model):
    return int(sum(np.prod(weight.shape) for weight in model.trainable_weights))


@right("trainable_parameters")
def parameters_with_keras_ops(model):
    return sum(keras.ops.size(variable) for variable in model.trainable_variables)


@right("trainable_parameters")
def parameters_by_values(model):
    total = 0
    for weight in model.trainable_weights:
        total += weight.numpy().size
    return total


@wrong("trainable_parameters", says="All weights were counted")
def parameters_of_everything(model):
    return model.count_params()


@wrong("trainable_parameters", says="The frozen ones were counted")
def parameters_that_are_frozen(model):
    return sum(int(np.prod(weight.shape)) for weight in model.non_trainable_weights)


@wrong("trainable_parameters", says="The arrays of weights were counted")
def parameters_as_arrays(model):
    return len(model.trainable_weights)


@wrong("trainable_parameters", says="The biases were left out")
def parameters_of_kernels(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights if len(weight.shape) > 1)


@wrong("trainable_parameters", says="All weights of the layers that are trainable were counted")
def parameters_of_trainable_layers(model):
    if not model.trainable:
        return 0
    return sum(layer.count_params() for layer in model.layers if layer.trainable)


@wrong("trainable_parameters", says="Only the first axis of each array was counted")
def parameters_by_length(model):
    return sum(weight.shape[0] for weight in model.trainable_weights)


@wrong("trainable_parameters", says="A whole number (int) was asked for, and a float came")
def parameters_in_float(model):
    return float(sum(int(np.prod(weight.shape)) for weight in model.trainable_weights))


# --- unfreeze_from ---------------------------------------------------------------------------------------------------


@right("unfreeze_from")
def unfreeze_by_a_flag(base, layer_name):
    if layer_name not in [layer.name for layer in base.layers]:
        raise ValueError(f"no such layer_name: {layer_name}")
    base.trainable = True
    found = False
    for layer in base.layers:
        found = found or layer.name == layer_name
        layer.trainable = found
    return base


@right("unfreeze_from")
def unfreeze_by_place(base, layer_name):
    names = [layer.name for layer in base.layers]
    try:
        place = names.index(layer_name)
    except ValueError:
        raise ValueError(f"layer_name must be one of {names}") from None
    base.trainable = True
    for k in range(place):
        base.layers[k].trainable = False
    for k in range(place, len(names)):
        base.layers[k].trainable = True
    return base


@right("unfreeze_from")
def unfreeze_backwards(base, layer_name):
    if not any(layer.name == layer_name for layer in base.layers):
        raise ValueError("layer_name")
    base.trainable = False
    base.trainable = True
    state = True
    for layer in base.layers[::-1]:
        layer.trainable = state
        if layer.name == layer_name:
            state = False
    return base


@right("unfreeze_from")
def unfreeze_with_the_name_in_the_error(base, layer_name):
    if layer_name not in [layer.name for layer in base.layers]:
        raise ValueError(f"no layer named {layer_name}")
    return unfreeze_by_a_flag(base, layer_name)


@right("unfreeze_from")
def unfreeze_with_pythons_own_error(base, layer_name):  # 'block9_conv1' is not in list
    return unfreeze_by_place(base, base.layers[[layer.name for layer in base.layers].index(layer_name)].name)


@wrong("unfreeze_from", says="the base itself is still frozen")
def unfreeze_in_a_frozen_base(base, layer_name):
    found = False
    for layer in base.layers:
        found = found or layer.name == layer_name
        layer.trainable = found
    return base


@wrong("unfreeze_from", says="whatever its layers say")
def unfreeze_backwards_in_a_frozen_base(base, layer_name):
    base.trainable = False
    for layer in reversed(base.layers):
        layer.trainable = True
        if layer.name == layer_name:
            return base
    raise ValueError("layer_name")


@wrong("unfreeze_from", says="`base.trainable = True` does not reach its layers")
def unfreeze_by_the_models_flag(base, layer_name):
    names = [layer.name for layer in base.layers]
    base.trainable = True
    for layer in base.layers[: names.index(layer_name)]:
        layer.trainable = False
    return base


@wrong("unfreeze_from", says="`layer_name` itself is still frozen")
def unfreeze_after(base, layer_name):
    names = [layer.name for layer in base.layers]
    base.trainable = True
    for layer in base.layers[: names.index(layer_name) + 1]:
        layer.trainable = False
    return base


@wrong("unfreeze_from", says="Only `layer_name` itself learns")
def unfreeze_one_layer(base, layer_name):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer.name == layer_name
    return base


@wrong("unfreeze_from", says="All layers learn")
def unfreeze_all(base, layer_name):
    base.get_layer(layer_name)
    base.trainable = True
    return base


@wrong("unfreeze_from", says="It is the other way round")
def unfreeze_those_before(base, layer_name):
    base.trainable = True
    found = False
    for layer in base.layers:
        found = found or layer.name == layer_name
        layer.trainable = not found
    return base


@wrong("unfreeze_from", says="Nothing came back: a `return` is missing")
def unfreeze_without_a_return(base, layer_name):
    unfreeze_by_place(base, layer_name)


@wrong("unfreeze_from", says="compared by their names")
def unfreeze_in_alphabetical_order(base, layer_name):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer.name >= layer_name
    return base


@wrong("unfreeze_from", says="Bad input went through")
def unfreeze_without_a_look_at_the_name(base, layer_name):
    base.trainable = True
    found = False
    for layer in base.layers:
        found = found or layer.name == layer_name
        layer.trainable = found
    return base


@wrong("unfreeze_from", says="does not say which argument is wrong")
def unfreeze_with_an_error_that_names_nothing(base, layer_name):
    if layer_name not in [layer.name for layer in base.layers]:
        raise ValueError("there is no such layer")
    return unfreeze_by_place(base, layer_name)
