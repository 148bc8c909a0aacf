#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes tests/golden/optimizer.txt: trajectories of weights under PyTorch's optimizers, in double.

  python3 -m venv venv && venv/bin/pip install torch
  venv/bin/python tests/golden/make_optimizer.py > tests/golden/optimizer.txt

The file begins with the initial weights and the gradients of each update, the same for all cases; they are exact in
float. A case is a line with its name, the class and its arguments, then the weights after each update, a line each.
tests/ops/optimizer_rules_test.cpp has the rule of each name. `halving` means that the learning rate is multiplied by 1,
1/2, 1/4, 1, 1/2... in the updates. In the case of the moving average, the gradients are the network's weights.
"""
import torch
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, RAdam, RMSprop
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS = 24

CASES = [
    ("sgd", SGD, {"lr": 0.05}),
    ("sgd_decay", SGD, {"lr": 0.05, "weight_decay": 0.1}),
    ("sgd_momentum", SGD, {"lr": 0.01, "momentum": 0.9, "dampening": 0.25, "weight_decay": 0.01}),
    ("sgd_nesterov", SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("adam", Adam, {"lr": 0.01}),
    ("adam_decay", Adam, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.05}),
    ("adam_amsgrad", Adam, {"lr": 0.01, "betas": (0.8, 0.9), "amsgrad": True, "weight_decay": 0.01}),
    ("adamw", AdamW, {"lr": 0.01}),
    ("adamw_decay", AdamW, {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.5}),
    ("adamw_amsgrad", AdamW, {"lr": 0.01, "betas": (0.8, 0.9), "amsgrad": True, "weight_decay": 0.1}),
    ("adamw_halving", AdamW, {"lr": 0.02, "weight_decay": 0.5}),
    ("nadam", NAdam, {"lr": 0.01}),
    ("nadam_decay", NAdam, {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.05, "momentum_decay": 0.1}),
    ("nadam_decoupled", NAdam, {"lr": 0.01, "weight_decay": 0.5, "decoupled_weight_decay": True}),
    ("radam", RAdam, {"lr": 0.01}),
    ("radam_decay", RAdam, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.05}),
    ("radam_decoupled", RAdam, {"lr": 0.01, "weight_decay": 0.5, "decoupled_weight_decay": True}),
    ("radam_never_adaptive", RAdam, {"lr": 0.01, "betas": (0.9, 0.6)}),
    ("adagrad", Adagrad, {"lr": 0.02}),
    ("adagrad_decay", Adagrad, {"lr": 0.05, "lr_decay": 0.1, "weight_decay": 0.05, "initial_accumulator_value": 0.5}),
    ("rmsprop", RMSprop, {"lr": 0.005}),
    ("rmsprop_decay", RMSprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-2, "weight_decay": 0.05}),
    ("rmsprop_momentum", RMSprop, {"lr": 0.001, "momentum": 0.9, "weight_decay": 0.05}),
    ("rmsprop_centered", RMSprop, {"lr": 0.005, "alpha": 0.9, "centered": True}),
    ("rmsprop_centered_momentum", RMSprop, {"lr": 0.001, "alpha": 0.95, "momentum": 0.8, "centered": True}),
    ("adadelta", Adadelta, {}),
    ("adadelta_decay", Adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.05}),
    ("moving_average", AveragedModel, {"decay": 0.9}),
]


def line(numbers):
    print(" ".join(repr(n) for n in numbers.tolist()))


def trajectory(name, kind, arguments, weights, gradients):
    w = torch.nn.Parameter(weights.clone())
    optimizer = kind([w], foreach=False, **arguments)
    for t, gradient in enumerate(gradients):
        if name.endswith("_halving"):
            optimizer.param_groups[0]["lr"] = arguments["lr"] * (1, 0.5, 0.25)[t % 3]
        w.grad = gradient.clone()
        optimizer.step()
        line(w.detach())


def average(decay, gradients):
    network = torch.nn.Module()
    network.w = torch.nn.Parameter(torch.zeros(3))
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))
    for gradient in gradients:
        network.w.data = gradient.clone()
        averaged.update_parameters(network)
        line(averaged.module.w.detach())


def main():
    torch.set_default_dtype(torch.float64)  # NAdam's product of mu has the default type
    generator = torch.Generator().manual_seed(17)
    print(f"# made by tests/golden/make_optimizer.py with PyTorch {torch.__version__}")
    # Weights that do not come near 0; gradients of three sizes, each seventh of them larger than the others.
    weights = torch.tensor([1.5, -2.0, 0.75])
    gradients = torch.randn((STEPS, 3), generator=generator) * torch.tensor([1.0, 0.25, 0.004])
    gradients += torch.tensor([0.1, -0.05, 0.001])
    gradients[::7] *= 4
    gradients = gradients.float().double()
    print("weights")
    line(weights)
    print("gradients")
    for gradient in gradients:
        line(gradient)
    for name, kind, arguments in CASES:
        print(name, kind.__name__, " ".join(f"{key}={value}" for key, value in arguments.items()))
        if kind is AveragedModel:
            average(arguments["decay"], gradients)
        else:
            trajectory(name, kind, arguments, weights, gradients)


if __name__ == "__main__":
    main()
