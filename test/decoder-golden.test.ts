// The decoder's step and its greedy words against TensorFlow.js, for both layouts.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Decoder, type Encoding } from '../src/captioner/decoder/decoder.ts';
import { greedySearch } from '../src/captioner/search/greedy.ts';
import type { Device } from '../src/kernels/device.ts';
import { matmul, rowNumbers } from '../src/tensor/functions.ts';
import { disposeAll, scope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { readGolden, type StoredTensor, upload, weight } from './golden.ts';
import { smallConfig } from './small-decoder.ts';

interface Golden {
  readonly size: {
    encoding: number;
    units: number;
    embedding: number;
    vocabulary: number;
    attention: number;
  };
  readonly decoders: readonly {
    readonly name: string;
    readonly attention: boolean;
    readonly recurrentActivation: 'sigmoid' | 'hardSigmoid';
    readonly encoding: StoredTensor;
    readonly weights: Readonly<Record<string, StoredTensor>>;
    readonly steps: readonly {
      readonly words: number[];
      readonly probabilities: StoredTensor;
      readonly h: StoredTensor;
      readonly c: StoredTensor;
      readonly alphas?: StoredTensor;
    }[];
    readonly greedyIds: number[][];
  }[];
}

const { size, decoders } = readGolden<Golden>('decoder.json');
const onDevice = await eachDevice(test);

type GoldenDecoder = Golden['decoders'][number];

/** The decoder of a golden case. Its projection is not used: the case begins with the encoding. */
function goldenDecoder(device: Device, { attention, recurrentActivation, weights }: GoldenDecoder): Decoder {
  const config = smallConfig(attention ? 'attention' : 'average', {
    ...size,
    recurrentActivation: recurrentActivation === 'sigmoid' ? 'sigmoid' : 'hard_sigmoid',
  });
  const decoder = new Decoder(device, null, {
    ...config,
    encoder: { ...config.encoder, transform: [] },
    decoder: { ...config.decoder, initialState: 'zeros' },
  });
  const all = new Map(Object.entries(weights).map(([name, stored]) => [name, weight(stored)]));
  all.set('projection.kernel', { shape: [256, size.encoding], data: new Float32Array(256 * size.encoding) });
  all.set('projection.bias', { shape: [size.encoding], data: new Float32Array(size.encoding) });
  decoder.load(all, 'decoder.json');
  return decoder;
}

/** What `encode` makes of the projected features. */
function goldenEncoding(device: Device, decoder: Decoder, { encoding }: GoldenDecoder): Encoding {
  const features = upload(device, encoding);
  if (decoder.attention) {
    const choice = rowNumbers(device, features.shape[0]);
    return { features, projected: null, keys: decoder.attention.keys(features), choice };
  }
  return { features, projected: matmul(features, decoder.encodingKernel), keys: null, choice: null };
}

for (const golden of decoders) {
  onDevice(`${golden.name}: every step's probabilities and states`, async (device) => {
    const decoder = goldenDecoder(device, golden);
    const encoding = goldenEncoding(device, decoder, golden);
    let state = decoder.initialState(encoding);
    assert.ok((await state.h.data()).every((value) => value === 0));
    for (const [index, { words, probabilities, h, c, alphas }] of golden.steps.entries()) {
      const before = state;
      const results = scope(() => {
        const next = decoder.advance(
          decoder.projectWords(Tensor.from(device, Int32Array.from(words))),
          encoding,
          state,
        );
        const weights = decoder.attention?.forward(
          encoding.features,
          encoding.keys as Tensor,
          state.h,
        ).weights;
        return { next, probabilities: decoder.logits(next.h).softmax(), weights };
      });
      state = results.next;
      const check = async (what: string, tensor: Tensor, expected: StoredTensor) => {
        assert.equal([...tensor.shape], expected.shape);
        compare(`${what} of step ${index}`, await tensor.data(), Float64Array.from(expected.data), 2e-6);
      };
      await check('probabilities', results.probabilities, probabilities);
      await check('h', state.h, h);
      await check('c', state.c, c);
      assert.is(results.weights !== undefined, alphas !== undefined);
      if (results.weights && alphas) await check('attention', results.weights, alphas);
      for (const tensor of [before.h, before.c, results.probabilities, results.weights]) tensor?.dispose();
    }
    for (const tensor of [state.h, state.c]) tensor.dispose();
    disposeAll(encoding);
    decoder.dispose();
  });

  onDevice(`${golden.name}: greedy words`, async (device) => {
    const decoder = goldenDecoder(device, golden);
    const encoding = goldenEncoding(device, decoder, golden);
    for (const [image, ids] of golden.greedyIds.entries()) {
      const number = Tensor.from(device, Int32Array.of(image));
      const one = decoder.select(encoding, number);
      // No word ends the sentence and none is forbidden.
      const options = { startId: 2, endId: -1, maximumLength: ids.length, forbidden: [] };
      const { tokens, logProbability } = await greedySearch(device, decoder, one, options);
      assert.equal(tokens, ids);
      const expected = golden.steps.reduce((sum, { probabilities: { data } }, step) => {
        return sum + Math.log(data[image * size.vocabulary + ids[step]]);
      }, 0);
      assert.ok(Math.abs(logProbability - expected) < 1e-4, `${logProbability}, expected ${expected}`);
      number.dispose();
      disposeAll(one);
    }
    disposeAll(encoding);
    decoder.dispose();
  });
}

test.run();
