// Greedy and beam search on the device against searches on the host in float64.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decoder, DecoderState, Encoding } from '../src/captioner/decoder/decoder.ts';
import { BeamSearch, beamSearch } from '../src/captioner/search/beam.ts';
import { GreedySearch, greedySearch } from '../src/captioner/search/greedy.ts';
import {
  type Hypothesis,
  meanLogProbability,
  type SearchOptions,
} from '../src/captioner/search/hypothesis.ts';
import { SentenceSearch } from '../src/captioner/search/sentence-search.ts';
import type { Device } from '../src/kernels/device.ts';
import { UnsupportedError } from '../src/kernels/op/errors.ts';
import { disposeAll, openScope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { Float64Device } from './float64-device.ts';
import { type DecoderKind, randomDecoder, randomFeatures } from './small-decoder.ts';

const onDevice = await eachDevice(test);

/** Ids: 0 padding, 1 unknown, 2 start, 3 end, 4 to 6 words. */
const usual: SearchOptions = { startId: 2, endId: 3, maximumLength: 4, forbidden: [0, 1, 2] };

/** Log probabilities of the next word after a beginning. */
type Model = (tokens: readonly number[]) => readonly number[];

interface Sentence {
  readonly tokens: readonly number[];
  readonly score: number;
  readonly finished: boolean;
}

/** Runs `body` with the model in float64. */
async function onHost<T>(kind: DecoderKind, seed: number, body: (model: Model) => T): Promise<T> {
  const device = new Float64Device();
  const decoder = await randomDecoder(device, kind, seed);
  const features = randomFeatures(device, kind, seed);
  const opened = openScope();
  const encoding = decoder.encode(features);
  const known = new Map<string, { state: DecoderState; logs: number[] }>();
  const after = (tokens: readonly number[]): { state: DecoderState; logs: number[] } => {
    const found = known.get(tokens.join());
    if (found) return found;
    const before = tokens.length === 0 ? decoder.initialState(encoding) : after(tokens.slice(0, -1)).state;
    const word = Tensor.from(device, Int32Array.of(tokens.at(-1) ?? usual.startId));
    const state = decoder.advance(decoder.projectWords(word), encoding, before);
    const logits = Array.from(device.elements(decoder.logits(state.output).operand('logits').storage));
    const largest = Math.max(...logits);
    const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0)) + largest;
    const made = { state, logs: logits.map((logit) => logit - total) };
    known.set(tokens.join(), made);
    return made;
  };
  try {
    return body((tokens) => after(tokens).logs);
  } finally {
    opened.close();
    features.dispose();
    decoder.dispose();
  }
}

/** A sentence with each word that may come next, or itself if it has ended. */
function continuations(model: Model, sentence: Sentence, { endId, forbidden }: SearchOptions): Sentence[] {
  if (sentence.finished) return [sentence];
  return Array.from(model(sentence.tokens), (log, id) => ({
    tokens: [...sentence.tokens, id],
    score: sentence.score + log,
    finished: id === endId,
  })).filter(({ tokens }) => !forbidden.includes(tokens[tokens.length - 1]));
}

const rankOf = ({ score, tokens }: Sentence, { lengthExponent = 1 }: SearchOptions) =>
  score / tokens.length ** lengthExponent;

/**
 * The best `width` at every step by log probability per word. Throws where a choice is so near that rounding could make
 * another: such a case shows nothing.
 */
function hostBeam(model: Model, width: number, options: SearchOptions): Sentence[] {
  let beam: Sentence[] = [{ tokens: [], score: 0, finished: false }];
  for (let step = 0; step < options.maximumLength; step++) {
    const candidates = beam.flatMap((sentence) => continuations(model, sentence, options));
    candidates.sort((a, b) => rankOf(b, options) - rankOf(a, options));
    for (const place of [1, width]) {
      const lead =
        candidates[place] && rankOf(candidates[place - 1], options) - rankOf(candidates[place], options);
      if (lead < 1e-4) throw new Error(`step ${step}: ${lead} between ranks ${place - 1} and ${place}`);
    }
    beam = candidates.slice(0, width);
  }
  return beam;
}

/** Every sentence there is. */
function allSentences(model: Model, options: SearchOptions): Sentence[] {
  return hostBeam(model, Number.POSITIVE_INFINITY, options);
}

interface Searched {
  readonly decoder: Decoder;
  readonly encoding: Encoding;
}

/** Makes the decoder and the encoding of a seed on a device, and frees them after `body`. */
async function withDecoder(
  device: Device,
  kind: DecoderKind,
  seed: number,
  body: (searched: Searched) => Promise<void>,
): Promise<void> {
  const decoder = await randomDecoder(device, kind, seed);
  const features = randomFeatures(device, kind, seed);
  const encoding = decoder.encode(features);
  features.dispose();
  try {
    await body({ decoder, encoding });
  } finally {
    disposeAll(encoding);
    decoder.dispose();
  }
}

function same(what: string, found: Hypothesis, expected: Sentence): void {
  assert.equal(found.tokens, [...expected.tokens], what);
  const difference = Math.abs(found.logProbability - expected.score);
  assert.ok(
    difference < 1e-4,
    `${what}: log probability ${found.logProbability}, expected ${expected.score}`,
  );
}

/** Chosen so that wider beams find other sentences than greedy search does, some of them with an end. */
const seeds = [3, 6, 12, 15];
const models: readonly (readonly [DecoderKind, number])[] = [
  ...seeds.map((seed) => ['average', seed] as const),
  ...[11, 13].map((seed) => ['flattened', seed] as const),
  ...[4, 5, 10, 14].map((seed) => ['attention', seed] as const),
  ...[1, 2, 3].map((seed) => ['modern', seed] as const),
];

onDevice(
  'greedy takes the likeliest word that is allowed, and a beam of one does the same',
  async (device) => {
    for (const [kind, seed] of models) {
      const [expected] = await onHost(kind, seed, (model) => hostBeam(model, 1, usual));
      await withDecoder(device, kind, seed, async ({ decoder, encoding }) => {
        same(`greedy, ${kind} ${seed}`, await greedySearch(device, decoder, encoding, usual), expected);
        same(`beam of 1, ${kind} ${seed}`, await beamSearch(device, decoder, encoding, 1, usual), expected);
      });
    }
  },
);

for (const width of [2, 3, 5]) {
  onDevice(`a beam of ${width} keeps what the host's keeps`, async (device) => {
    let beyondGreedy = 0;
    for (const [kind, seed] of models) {
      const [expected, greedy] = await onHost(kind, seed, (model) => [
        hostBeam(model, width, usual)[0],
        hostBeam(model, 1, usual)[0],
      ]);
      if (expected.tokens.join() !== greedy.tokens.join()) beyondGreedy++;
      await withDecoder(device, kind, seed, async ({ decoder, encoding }) => {
        same(`${kind} ${seed}`, await beamSearch(device, decoder, encoding, width, usual), expected);
      });
    }
    assert.ok(
      beyondGreedy >= 5,
      `only ${beyondGreedy} sentences differ from the greedy ones: the test shows little`,
    );
  });
}

onDevice('a search tells of all the sentences of its beam, the best first', async (device) => {
  for (const lengthExponent of [1, 0.25]) {
    const options = { ...usual, lengthExponent };
    for (const [kind, seed] of models) {
      const expected = await onHost(kind, seed, (model) => hostBeam(model, 3, options));
      const sentences = [...expected].sort((a, b) => rankOf(b, options) - rankOf(a, options));
      await withDecoder(device, kind, seed, async ({ decoder, encoding }) => {
        const search = new SentenceSearch(device, new BeamSearch(device, decoder, 3, options));
        const found = await search.findAll(encoding);
        assert.is(found.length, 3);
        for (const [place, sentence] of sentences.entries()) {
          same(`${kind} ${seed}, place ${place}`, found[place], sentence);
          const mean = sentence.score / sentence.tokens.length;
          assert.ok(Math.abs(meanLogProbability(found[place]) - mean) < 1e-4);
        }
        assert.equal(await search.find(encoding), found[0]);
        search.dispose();
      });
    }
  }
});

onDevice('a beam wider than the sentences there are tells of those alone', async (device) => {
  const options = { ...usual, maximumLength: 1 };
  const expected = await onHost('average', 2, (model) => allSentences(model, options));
  await withDecoder(device, 'average', 2, async ({ decoder, encoding }) => {
    const wide = new SentenceSearch(device, new BeamSearch(device, decoder, 6, options));
    const found = await wide.findAll(encoding);
    assert.equal(
      found.map(({ tokens }) => tokens),
      expected.map(({ tokens }) => [...tokens]),
    );
    const greedy = new SentenceSearch(device, new GreedySearch(device, decoder, options));
    assert.equal(
      (await greedy.findAll(encoding)).map(({ tokens }) => tokens),
      [[...expected[0].tokens]],
    );
    wide.dispose();
    greedy.dispose();
  });
});

onDevice('attention weights are those of the words before', async (device) => {
  const sentence = [usual.startId, 4, 6, 5];
  const weightsOn = async (on: Device): Promise<number[]> => {
    const found: number[] = [];
    await withDecoder(on, 'attention', 4, async ({ decoder, encoding }) => {
      const ids = Tensor.from(on, Int32Array.from(sentence));
      const projected = decoder.projectWords(ids);
      ids.dispose();
      const weights = decoder.attentionWeights(projected, encoding);
      assert.equal([...weights.shape], [4, 49]);
      found.push(...(await weights.data()));
      projected.dispose();
      weights.dispose();
    });
    return found;
  };
  const found = await weightsOn(device);
  // The formula of Bahdanau et al. word by word, with the state that the words before leave.
  const host = new Float64Device();
  const decoder = await randomDecoder(host, 'attention', 4);
  const features = randomFeatures(host, 'attention', 4);
  const opened = openScope();
  const encoding = decoder.encode(features);
  let state = decoder.initialState(encoding);
  for (const [step, word] of sentence.entries()) {
    const { hidden, score } = decoder.attention as NonNullable<Decoder['attention']>;
    const asked = hidden.forward(state.h).reshape([1, 1, -1]);
    const scores = score.forward((encoding.keys as Tensor).add(asked).tanh());
    const expected = Array.from(host.elements(scores.operand('scores').storage), Math.exp);
    const total = expected.reduce((sum, value) => sum + value, 0);
    const got = found.slice(step * 49, (step + 1) * 49);
    assert.ok(Math.abs(got.reduce((sum, value) => sum + value, 0) - 1) < 1e-5);
    for (const [place, value] of got.entries()) {
      assert.ok(Math.abs(value - expected[place] / total) < 1e-5, `word ${step}, place ${place}`);
    }
    state = decoder.advance(decoder.projectWords(Tensor.from(host, Int32Array.of(word))), encoding, state);
  }
  opened.close();
  features.dispose();
  decoder.dispose();
  assert.not.equal(found.slice(0, 49), found.slice(98, 147), 'words must differ in where they look');
  await withDecoder(device, 'average', 3, async ({ decoder, encoding }) => {
    const ids = Tensor.from(device, Int32Array.from(sentence));
    const projected = decoder.projectWords(ids);
    ids.dispose();
    const { message } = await errorOf(UnsupportedError, () => decoder.attentionWeights(projected, encoding));
    assert.match(message, /no attention/);
    projected.dispose();
  });
});

onDevice('a beam that holds every sentence finds the best one per word', async (device) => {
  let shorter = 0;
  for (const seed of seeds) {
    const sentences = await onHost('average', seed, (model) => allSentences(model, usual));
    // Words 4 to 6, four places; the end after none to three words.
    assert.is(sentences.length, 3 ** 4 + 3 ** 3 + 3 ** 2 + 3 + 1);
    const total = sentences.reduce((best, sentence) => (sentence.score > best.score ? sentence : best));
    if (total.tokens.length < sentences[0].tokens.length) shorter++;
    await withDecoder(device, 'average', seed, async ({ decoder, encoding }) => {
      const found = await beamSearch(device, decoder, encoding, sentences.length, usual);
      same(`seed ${seed}`, found, sentences[0]);
    });
  }
  assert.ok(shorter > 0, 'without the division by the length a shorter sentence would win somewhere');
});

onDevice('a wider beam than there are sentences is none the worse', async (device) => {
  const options = { ...usual, maximumLength: 1 };
  const [expected] = await onHost('average', 2, (model) => hostBeam(model, 4, options));
  await withDecoder(device, 'average', 2, async ({ decoder, encoding }) => {
    same('width 6 of 4', await beamSearch(device, decoder, encoding, 6, options), expected);
    same('greedy', await greedySearch(device, decoder, encoding, options), expected);
  });
});

onDevice('forbidden words never come, and the next best does', async (device) => {
  for (const seed of seeds) {
    const [first] = await onHost('average', seed, (model) => hostBeam(model, 3, { ...usual, forbidden: [] }));
    const forbidden = [...new Set([...first.tokens, 0])].filter((id) => id !== usual.endId);
    const options = { ...usual, forbidden };
    const [expected] = await onHost('average', seed, (model) => hostBeam(model, 3, options));
    await withDecoder(device, 'average', seed, async ({ decoder, encoding }) => {
      const free = await beamSearch(device, decoder, encoding, 3, { ...usual, forbidden: [] });
      same(`seed ${seed}, free`, free, first);
      const found = await beamSearch(device, decoder, encoding, 3, options);
      same(`seed ${seed}`, found, expected);
      const greedy = await greedySearch(device, decoder, encoding, options);
      assert.not([...found.tokens, ...greedy.tokens].some((id) => forbidden.includes(id)));
    });
  }
});

onDevice('a smaller exponent of the length ranks otherwise, and the beam follows it', async (device) => {
  let changed = 0;
  for (const seed of seeds) {
    const halved = { ...usual, lengthExponent: 0.25 };
    const expected = await onHost('average', seed, (model) => allSentences(model, halved)[0]);
    const perWord = await onHost('average', seed, (model) => allSentences(model, usual)[0]);
    if (expected.tokens.join() !== perWord.tokens.join()) changed++;
    await withDecoder(device, 'average', seed, async ({ decoder, encoding }) => {
      same(`seed ${seed}`, await beamSearch(device, decoder, encoding, 200, halved), expected);
    });
  }
  assert.ok(changed > 0, 'the exponent changes no choice: the test shows little');
});

onDevice('a sentence that does not end stops at the maximum length', async (device) => {
  const options = { ...usual, forbidden: [0, 1, 2, 3] };
  await withDecoder(device, 'attention', 1, async ({ decoder, encoding }) => {
    for (const maximumLength of [1, 7]) {
      const greedy = await greedySearch(device, decoder, encoding, { ...options, maximumLength });
      const beam = await beamSearch(device, decoder, encoding, 2, { ...options, maximumLength });
      assert.equal([greedy.tokens.length, beam.tokens.length], [maximumLength, maximumLength]);
    }
  });
});

onDevice('the same search gives the same sentence, and searches may run side by side', async (device) => {
  await withDecoder(device, 'average', 3, async ({ decoder, encoding }) => {
    await withDecoder(device, 'attention', 4, async (other) => {
      const searches = [
        () => beamSearch(device, decoder, encoding, 3, usual),
        () => greedySearch(device, other.decoder, other.encoding, usual),
        () => beamSearch(device, other.decoder, other.encoding, 2, usual),
        () => greedySearch(device, decoder, encoding, usual),
      ];
      const alone: Hypothesis[] = [];
      for (const search of searches) alone.push(await search());
      assert.equal(await Promise.all(searches.map((search) => search())), alone);
    });
  });
});

onDevice('a search finds the same for one image after another, however often it looks', async (device) => {
  const options = { ...usual, maximumLength: 7 };
  for (const kind of ['average', 'attention'] as const) {
    await withDecoder(device, kind, 5, async ({ decoder }) => {
      const features = [5, 6, 7].map((seed) => randomFeatures(device, kind, seed));
      const encodings = features.map((each) => decoder.encode(each));
      const methods = [
        () => new GreedySearch(device, decoder, options),
        () => new BeamSearch(device, decoder, 3, options),
      ];
      for (const method of methods) {
        const found: Hypothesis[][] = [];
        for (const stepsPerRead of [1, 3, 7]) {
          const search = new SentenceSearch(device, method(), stepsPerRead);
          const inTurn: Hypothesis[] = [];
          for (const encoding of encodings) inTurn.push(await search.find(encoding));
          assert.equal(await Promise.all(encodings.map((encoding) => search.find(encoding))), inTurn);
          found.push(inTurn);
          search.dispose();
        }
        assert.equal(found[1], found[0]);
        assert.equal(found[2], found[0]);
      }
      for (const encoding of encodings) disposeAll(encoding);
      for (const each of features) each.dispose();
    });
  }
});

onDevice('a beam of no width is refused', async (device) => {
  await withDecoder(device, 'average', 3, async ({ decoder, encoding }) => {
    for (const width of [0, -1, 1.5, Number.NaN]) {
      const { message } = await errorOf(UnsupportedError, () =>
        beamSearch(device, decoder, encoding, width, usual),
      );
      assert.match(message, /give a whole number from 1/);
    }
  });
});

test.run();
