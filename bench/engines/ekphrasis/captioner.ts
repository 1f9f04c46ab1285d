import type { CaptionerConfig } from '../../../src/captioner/config.ts';
import { Decoder, type Encoding } from '../../../src/captioner/decoder/decoder.ts';
import { BeamSearch } from '../../../src/captioner/search/beam.ts';
import { GreedySearch } from '../../../src/captioner/search/greedy.ts';
import { SentenceSearch } from '../../../src/captioner/search/sentence-search.ts';
import { teacherForcingLoss } from '../../../src/captioner/training/teacher-forcing.ts';
import type { Device } from '../../../src/kernels/device.ts';
import { Adam } from '../../../src/nn/optimisers/adam.ts';
import { capture, type Plan } from '../../../src/tensor/capture.ts';
import { disposeAll } from '../../../src/tensor/scope.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { type CellSizes, type CellWeights, endWord, startWord } from '../../cases/captioner-cell.ts';
import type { Prepared } from '../../workload.ts';
import type { WorkloadOf } from '../preparations.ts';
import type { Program } from '../program.ts';
import { upload } from './program.ts';
import { trainingProgram } from './training.ts';

function configuration(
  { encoding, embedding, units, vocabulary }: CellSizes,
  words: number,
): CaptionerConfig {
  return {
    format: 'ekphrasis-captioner',
    version: 1,
    encoder: {
      architecture: 'inception_v3',
      weights: 'encoder.safetensors',
      imageSide: 299,
      reduceTo: null,
      // Two blocks of 768 channels.
      outputs: ['mixed5', 'mixed7'],
      pooling: 'average',
      transform: [],
      projection: { units: encoding, activation: 'relu' },
      flatten: false,
    },
    decoder: {
      weights: 'decoder.safetensors',
      attention: null,
      initialState: 'dense',
      embedding,
      units,
      vocabulary,
      activation: 'tanh',
      recurrentActivation: 'sigmoid',
      maximumLength: words,
    },
    tokenizer: 'tokenizer.json',
  };
}

function decoderOf(device: Device, sizes: CellSizes, weights: CellWeights, words: number): Decoder {
  const decoder = new Decoder(device, null, configuration(sizes, words));
  decoder.load(new Map(Object.entries(weights)));
  return decoder;
}

/** What `Captioner.describe` does: the library's searches on captured plans, which read the words back themselves. */
export function prepareDecoding(
  device: Device,
  { sizes, weights, features, words, beam }: WorkloadOf<'decode'>,
): Prepared {
  const decoder = decoderOf(device, sizes, weights, words);
  const image = upload(device, features);
  const options = {
    startId: startWord,
    endId: endWord,
    maximumLength: words,
    forbidden: [],
    lengthExponent: 0,
  };
  const method =
    beam === 1 ? new GreedySearch(device, decoder, options) : new BeamSearch(device, decoder, beam, options);
  const sentence = new SentenceSearch(device, method);
  let encode: Plan<Tensor, Encoding> | undefined;
  const search = async () => {
    encode ??= capture(device, image, (x: Tensor) => decoder.encode(x));
    const encoding = encode.run(image, false);
    try {
      return await sentence.find(encoding);
    } finally {
      disposeAll(encoding);
    }
  };
  let tokens: readonly number[] = [];
  let running: Promise<void>[] = [];
  return {
    run() {
      const found = search().then((hypothesis) => {
        tokens = hypothesis.tokens;
      });
      running.push(found);
    },
    async finish() {
      const asked = running;
      running = [];
      await Promise.all(asked);
    },
    outputs: async () => [{ shape: [tokens.length], data: Int32Array.from(tokens) }],
    dispose() {
      encode?.dispose();
      sentence.dispose();
      image.dispose();
      decoder.dispose();
    },
  };
}

/** The trainer's loss and optimiser, without dropout. */
export function decoderTraining(
  device: Device,
  {
    sizes,
    weights,
    features,
    inputs,
    targets,
    sentences,
    steps,
    learningRate,
  }: WorkloadOf<'decoderTraining'>,
): Program<Tensor> {
  const decoder = decoderOf(device, sizes, weights, steps);
  const numbers = Int32Array.from({ length: sentences }, (_, index) => index);
  const batch = {
    images: numbers,
    sentenceImage: numbers,
    inputs: Int32Array.from(inputs.data),
    targets: Int32Array.from(targets.data),
    weights: new Float32Array(sentences * steps).fill(1),
    active: Array<number>(steps).fill(sentences),
  };
  const table = { rowShape: [sizes.channels], data: Float32Array.from(features.data) };
  const loss = () => teacherForcingLoss(device, decoder, batch, table);
  return trainingProgram(loss, new Adam(decoder.trainable()), learningRate, [decoder]);
}
