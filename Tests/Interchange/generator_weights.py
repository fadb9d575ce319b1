"""Random weights for the public generators, and what the generators make of them; for make_generators.py.

Every value is random and none trivial, so that a term which a reader forgets shows in the image: batch norm statistics,
u0 of the spectral norm, gains, the attention's gamma, noise strengths, biases, w_avg. Scales are chosen, or measured in
one pass, so that activations stay of order 1 and the network's output x has a standard deviation of about 0.45.
"""

import torch

OUTPUT_DEVIATION = 0.45


class Source:
    """Seeded normal numbers, rounded to a type whose values every stored form holds exactly."""

    def __init__(self, seed, dtype=torch.float32):
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = dtype

    def normal(self, *shape, mean=0.0, scale=1.0):
        return self.rounded(mean + scale * torch.randn(shape, generator=self.generator))

    def latents(self, *shape):
        return self.normal(*shape).clamp(-2, 2)

    def rounded(self, values):
        return values.to(self.dtype).float()

    def fill(self, tensor, mean=0.0, scale=1.0):
        # In place, so that strides stay: some weights of StyleGAN2 are channels-last.
        tensor.copy_(self.normal(*tensor.shape, mean=mean, scale=scale))


# BigBiGAN

# Mean and deviation by the end of the name; a weight's scale is free where the spectral norm divides it out.
BIGBIGAN_SCALES = {
    "shared.weight": (0, 0.7), "linear.bias": (0, 0.3), "gamma": (0.8, 0.1), "gain": (0.8, 0.2), "weight": (0, 0.3),
    "bias": (0, 0.1), "sv0": (3, 1), "stored_mean": (0, 1), "stored_var": (1, 0),
}


@torch.no_grad()
def randomise_bigbigan(network, source):
    for name, tensor in network.state_dict().items():
        if name.endswith("u0"):
            source.fill(tensor, scale=tensor.numel() ** -0.5)
        else:
            source.fill(tensor, *next(scale for end, scale in BIGBIGAN_SCALES.items() if name.endswith(end)))
    measure_statistics(network.eval(), source)
    scale_bigbigan_output(network, source)
    return network.requires_grad_(False)


def measure_statistics(network, source):
    """One pass that sets each batch norm's buffers near the statistics of its input, but not quite to them."""

    def set_buffers(norm, inputs):
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
        aside = 0.2 * variance.sqrt() * source.normal(len(mean))
        norm.stored_mean.copy_(source.rounded(mean + aside))
        norm.stored_var.copy_(source.rounded(variance * source.normal(len(mean), scale=0.3).exp()))

    norms = [module for module in network.modules() if hasattr(module, "stored_mean")]
    hooks = [norm.register_forward_pre_hook(set_buffers) for norm in norms]
    bigbigan_images(network, source.latents(8, network.dim_z), 0)
    for hook in hooks:
        hook.remove()


def scale_bigbigan_output(network, source):
    """Scales what enters the last tanh, somewhat wider than what is to leave it."""
    norm, _, convolution = network.output_layer
    found = []
    hook = convolution.register_forward_hook(lambda *call: found.append(call[2].std()))
    bigbigan_images(network, source.latents(8, network.dim_z), 0)
    hook.remove()
    for parameter in (norm.gain, norm.bias):
        parameter.copy_(source.rounded(parameter * (1.4 * OUTPUT_DEVIATION / found[0])))


def bigbigan_images(network, z, class_index):
    """x [N, 3, S, S], -1 to 1, of one class."""
    classes = torch.full((len(z),), class_index)
    return network(z, network.shared(classes))


def bigbigan_expected(network, source, samples, others=0):
    """z [N, dim_z], image, cotangent, z_grad of class 0; class3.z, class3.image for `others` latents. The reference
    runs in float64, the latents are float32 values."""
    network.double()
    z = source.latents(samples, network.dim_z).double()
    found = with_gradient(lambda z: bigbigan_images(network, z, 0), z, source)
    if others:
        z = source.latents(others, network.dim_z).double()
        found["class3.z"] = z
        found["class3.image"] = to_unit(bigbigan_images(network, z, 3))
    network.float()
    return found


# StyleGAN2

@torch.no_grad()
def randomise_stylegan2(network, source):
    for name, module in network.named_modules():
        kind = type(module).__name__
        if kind == "FullyConnectedLayer":
            # Stored values are larger by the learning rate multiplier; biases of affine layers lie around 1.
            affine = name.endswith("affine")
            source.fill(module.weight, scale=(0.6 if affine else 1) / module.bias_gain)
            source.fill(module.bias, mean=float(affine), scale=0.25 / module.bias_gain)
        elif kind == "SynthesisLayer":
            source.fill(module.weight)
            source.fill(module.bias, scale=0.3)
            source.fill(module.noise_const)
            source.fill(module.noise_strength, mean=0.25, scale=0.1)
        elif kind == "ToRGBLayer":
            source.fill(module.weight)
            source.fill(module.bias, scale=0.2)
    source.fill(network.synthesis.b4.const)
    source.fill(network.mapping.w_avg, scale=0.5)
    scale_stylegan2_output(network.eval(), source)
    return network.requires_grad_(False)


def scale_stylegan2_output(network, source):
    deviation = stylegan2_images(network, source.latents(8 if network.img_resolution < 256 else 2, network.z_dim)).std()
    for module in network.modules():
        if type(module).__name__ == "ToRGBLayer":
            for parameter in (module.weight, module.bias):
                parameter.copy_(source.rounded(parameter * (OUTPUT_DEVIATION / deviation)))


def one_hot(network, count, class_index):
    labels = torch.zeros(count, network.c_dim)
    if network.c_dim:
        labels[:, class_index] = 1
    return labels


def mapped(network, z, class_index=0, **truncation):
    """w [N, layers, width]"""
    return network.mapping(z, one_hot(network, len(z), class_index), **truncation)


def stylegan2_images(network, z, class_index=0, noise="const", **truncation):
    """x [N, 3, S, S], mostly within -1 to 1."""
    w = mapped(network, z, class_index, **truncation)
    return network.synthesis(w, noise_mode=noise, force_fp32=True)


TRUNCATION = {"truncation_psi": 0.7, "truncation_cutoff": 4}


def stylegan2_expected(network, source, samples, others=0):
    """z [N, z_dim], w, image, cotangent, z_grad without truncation and with constant noise; w_truncated and
    truncated.image with psi 0.7 below layer 4; none.image without noise; class3.z, class3.w, class3.image for
    conditional networks. `others`: how many of the samples the further images are of, 0 for all."""
    z = source.latents(samples, network.z_dim)
    found = with_gradient(lambda z: stylegan2_images(network, z), z, source)
    some = z[:others or samples]
    with torch.inference_mode():
        found["w"] = mapped(network, z)
        found["w_truncated"] = mapped(network, z, **TRUNCATION)
        found["none.image"] = to_unit(stylegan2_images(network, some, noise="none"))
        found["truncated.image"] = to_unit(stylegan2_images(network, some, **TRUNCATION))
        if network.c_dim:
            found["class3.z"] = some
            found["class3.w"] = mapped(network, some, 3)
            found["class3.image"] = to_unit(stylegan2_images(network, some, 3))
    return found


# Both

def to_unit(x):
    """The image 0 to 1 of a network's output."""
    return ((x + 1) / 2).clamp(0, 1)


def with_gradient(network, z, source):
    """z, image, a random cotangent in half precision, and z_grad, the gradient of sum(cotangent * image)."""
    z = z.clone().requires_grad_(True)
    x = network(z)
    check_output(x)
    cotangent = source.normal(*x.shape).half()
    (to_unit(x) * cotangent).sum().backward()
    return {"z": z.detach(), "image": to_unit(x).detach(), "cotangent": cotangent, "z_grad": z.grad}


def check_output(x):
    """Neither grey nor saturated, and, where there is no tanh before the clamp, no pixel so near it that rounding
    decides whether it has a gradient."""
    deviation, margin = x.std().item(), (x.abs() - 1).abs().min().item()
    assert 0.3 < deviation < 0.6, f"the standard deviation of x is {deviation:.2f}: choose other scales"
    assert margin > 1e-6 or x.abs().max() <= 1, f"a pixel lies {margin:.1g} beside the clamp: choose another seed"
