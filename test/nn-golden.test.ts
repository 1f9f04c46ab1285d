// Layers and functions against TensorFlow.js on the same inputs.
import { test } from 'uvu';
import type { Device } from '../src/kernels/device.ts';
import type { Activation } from '../src/kernels/parts/activation.ts';
import { BatchNorm } from '../src/nn/layers/batch-norm.ts';
import { Conv2D } from '../src/nn/layers/conv2d.ts';
import { Dense } from '../src/nn/layers/dense.ts';
import { Embedding } from '../src/nn/layers/embedding.ts';
import { LSTM } from '../src/nn/layers/lstm.ts';
import { AveragePool2D, GlobalAveragePool2D, MaxPool2D } from '../src/nn/layers/pooling.ts';
import type { Module } from '../src/nn/module.ts';
import { concat, logSoftmax, type Padding, type Pair, resizeBilinear } from '../src/tensor/functions.ts';
import { scope } from '../src/tensor/scope.ts';
import type { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { readGolden, type StoredTensor, upload, uploadIds, weight } from './golden.ts';

interface Case {
  readonly name: string;
  readonly op: string;
  readonly attrs: {
    readonly strides: Pair;
    readonly padding: Padding;
    readonly dilations: Pair;
    readonly poolSize: Pair;
    readonly size: Pair;
    readonly epsilon: number;
    readonly activation: Activation;
    readonly recurrentActivation: Activation;
    readonly units: number;
  };
  readonly inputs: readonly (StoredTensor & { readonly name: string })[];
  readonly outputs: readonly StoredTensor[];
}

type Inputs = Readonly<Record<string, StoredTensor>>;

const { cases } = readGolden<{ cases: Case[] }>('ops.json');
const onDevice = await eachDevice(test);

/** What each kind of case computes; a module that is made is freed by `run`. */
const computations: Record<
  string,
  (device: Device, inputs: Inputs, attrs: Case['attrs'], own: <M extends Module>(module: M) => M) => Tensor[]
> = {
  conv2d(device, { input, kernel }, { strides, padding, dilations }, own) {
    const [height, width, inputs, filters] = kernel.shape;
    const options = {
      inputs,
      filters,
      size: [height, width] as const,
      strides,
      padding,
      dilations,
      bias: false,
    };
    const layer = own(new Conv2D(device, null, options));
    layer.load(new Map([['kernel', weight(kernel)]]));
    return [layer.forward(upload(device, input))];
  },
  maxPool: (device, { input }, { poolSize: size, strides, padding }, own) => [
    own(new MaxPool2D({ size, strides, padding })).forward(upload(device, input)),
  ],
  averagePool: (device, { input }, { poolSize: size, strides, padding }, own) => [
    own(new AveragePool2D({ size, strides, padding })).forward(upload(device, input)),
  ],
  globalAveragePool: (device, { input }, _attrs, own) => [
    own(new GlobalAveragePool2D()).forward(upload(device, input)),
  ],
  resizeBilinear: (device, { input }, { size: [height, width] }) => [
    resizeBilinear(upload(device, input), height, width),
  ],
  batchNorm(device, { input, mean, variance, beta, gamma }, { epsilon }, own) {
    const layer = own(new BatchNorm(device, { channels: 5, epsilon, scale: gamma !== undefined }));
    const weights = new Map(Object.entries({ beta, movingMean: mean, movingVariance: variance }));
    if (gamma) weights.set('gamma', gamma);
    layer.load(new Map([...weights].map(([name, stored]) => [name, weight(stored)])));
    return [layer.forward(upload(device, input))];
  },
  softmax: (device, { input }) => [upload(device, input).softmax()],
  logSoftmax: (device, { input }) => [logSoftmax(upload(device, input))],
  embedding(device, { embeddings, ids }, _attrs, own) {
    const [vocabulary, units] = embeddings.shape;
    const layer = own(new Embedding(device, null, { vocabulary, units }));
    layer.load(new Map([['embeddings', weight(embeddings)]]));
    return [layer.forward(uploadIds(device, ids))];
  },
  dense(device, { input, kernel, bias }, { activation }, own) {
    const [inputs, units] = kernel.shape;
    const layer = own(new Dense(device, null, { inputs, units, activation }));
    layer.load(
      new Map([
        ['kernel', weight(kernel)],
        ['bias', weight(bias)],
      ]),
    );
    return [layer.forward(upload(device, input))];
  },
  lstm(
    device,
    { input, h, c, kernel, recurrentKernel, bias },
    { units, activation, recurrentActivation },
    own,
  ) {
    const [batch, steps, inputs] = input.shape;
    const layer = own(new LSTM(device, null, { inputs, units, activation, recurrentActivation }));
    layer.load(
      new Map(
        Object.entries({ kernel, recurrentKernel, bias }).map(([name, stored]) => [name, weight(stored)]),
      ),
    );
    const x = upload(device, input);
    let state = { h: upload(device, h), c: upload(device, c) };
    const hidden: Tensor[] = [];
    for (let step = 0; step < steps; step++) {
      state = layer.step(x.slice([0, step, 0], [batch, 1, inputs]).reshape([batch, inputs]), state);
      hidden.push(state.h);
    }
    const sequence = hidden.map((tensor) => tensor.reshape([batch, 1, units]));
    return [concat(sequence, 1), state.h, state.c];
  },
};

for (const { name, op, attrs, inputs, outputs } of cases) {
  onDevice(`${op}: ${name}`, async (device) => {
    const owned: Module[] = [];
    const own = <M extends Module>(module: M): M => {
      owned.push(module);
      return module;
    };
    const named = Object.fromEntries(inputs.map((input) => [input.name, input]));
    const results = scope(() => computations[op](device, named, attrs, own));
    for (const [index, { shape, data }] of outputs.entries()) {
      const result = results[index];
      if (result.shape.join() !== shape.join()) throw new Error(`expected [${shape}], got [${result.shape}]`);
      compare(`output ${index}`, await result.data(), Float64Array.from(data), 2e-6);
      result.dispose();
    }
    for (const module of owned) module.dispose();
  });
}

test.run();
