import type { Device } from '../../kernels/device.ts';
import { FormatError, ShapeError, UnsupportedError } from '../../kernels/op/errors.ts';
import type { Activation } from '../../kernels/parts/activation.ts';
import { gridSide, stageChannels } from '../../nn/inception-v3/architecture.ts';
import { glorotUniform, initialise, randomNormal } from '../../nn/initialisers.ts';
import { BahdanauAttention, meanPlaces } from '../../nn/layers/attention.ts';
import { attentionSequence } from '../../nn/layers/attention-sequence.ts';
import { Dense } from '../../nn/layers/dense.ts';
import { Dropout } from '../../nn/layers/dropout.ts';
import { Embedding } from '../../nn/layers/embedding.ts';
import { LSTM } from '../../nn/layers/lstm.ts';
import type { LSTMState } from '../../nn/layers/lstm-sequence.ts';
import { type HostWeight, Module } from '../../nn/module.ts';
import type { Random } from '../../nn/random.ts';
import { concat, firstRows, gather, matmul, rowNumbers } from '../../tensor/functions.ts';
import { Parameter } from '../../tensor/parameter.ts';
import { scope } from '../../tensor/scope.ts';
import { executeAll, filled, type Tensor } from '../../tensor/tensor.ts';
import type { CaptionerConfig, RecurrentActivation } from '../config.ts';
import { FeatureTransform } from './feature-transform.ts';
import { WordOutput } from './word-output.ts';

export interface DropoutRates {
  /** On the encoding (or context) that enters the LSTM and its initial state. */
  readonly encoding: number;
  /** On the word vectors. */
  readonly embedding: number;
  /** On what enters the output layer: the hidden state, or the deep output. */
  readonly output: number;
}

/** What the decoder sees of N images, for B sentences about them. */
export interface Encoding {
  /** One vector a sentence [B, E], or with attention the grid of each image [N, P, E]. */
  readonly features: Tensor;
  /** Without attention, the encoding's part of the LSTM's pre-activations [B, 4U]: the same at every step. */
  readonly projected: Tensor | null;
  /** With attention, its keys [N, P, A]. */
  readonly keys: Tensor | null;
  /** With attention, the image of each sentence, int32 [B]: sentences about one image share its grid. */
  readonly choice: Tensor | null;
}

/** The state after a word, of every layer: h and c are [B, layers · U], the first layer's part first. */
export interface DecoderState extends LSTMState {
  /** What enters the output layer: the last layer's h, or the deep output. */
  readonly output: Tensor;
}

/** What a sequence of known words gives, time-major and packed. */
export interface DecoderSequence {
  /** What enters the output layer at each word [R, …]. */
  readonly output: Tensor;
  /** With attention, the weights of the places [R, P]. */
  readonly weights: Tensor | null;
}

const noDropout: DropoutRates = { encoding: 0, embedding: 0, output: 0 };

/**
 * The part of a captioner that is trained on captions: a projection of the image's features, an LSTM that is fed
 * [encoding or attention's context, previous word] at every step, and a dense layer over the vocabulary.
 *
 * The LSTM's input kernel is kept in two parts, the encoding's rows and the word's rows, so that the encoding's
 * product is computed once an image and not once a word. Files hold them joined, as Keras does.
 */
export class Decoder extends Module {
  readonly features: FeatureTransform;
  readonly projection: Dense;
  readonly initialHidden: Dense | null = null;
  readonly initialCell: Dense | null = null;
  readonly attention: BahdanauAttention | null = null;
  readonly embedding: Embedding;
  readonly encodingKernel: Parameter;
  readonly lstm: LSTM;
  /** The second layer, which is fed the first one's h. */
  readonly upper: LSTM | null = null;
  readonly output: WordOutput;
  readonly encodingDropout: Dropout;
  readonly embeddingDropout: Dropout;
  readonly outputDropout: Dropout;
  readonly config: CaptionerConfig;
  readonly #device: Device;

  /** `random` draws the first weights; null leaves zeros to be loaded. */
  constructor(device: Device, random: Random | null, config: CaptionerConfig, rates = noDropout) {
    super();
    this.config = config;
    this.#device = device;
    const { encoder, decoder } = config;
    const { units } = decoder;
    const channels = encoder.outputs.reduce((sum, name) => sum + (stageChannels.get(name) as number), 0);
    this.features = new FeatureTransform(device, channels, encoder.transform);
    const { projection } = encoder;
    this.projection = new Dense(device, random, { inputs: channels, ...projection });
    const width = encodingWidth(config);
    const { layers = 1 } = decoder;
    if (decoder.initialState === 'dense') {
      const initial = { inputs: width, units: layers * units, activation: 'tanh' } as const;
      this.initialHidden = new Dense(device, random, initial);
      this.initialCell = new Dense(device, random, initial);
    }
    if (decoder.attention) {
      const attention = { channels: width, query: units, ...decoder.attention };
      this.attention = new BahdanauAttention(device, random, attention);
    }
    // Keras's ±0.05 leaves the words faint beside the encoding. With unit normals, and a tenth less dropout, the
    // validation loss on Flickr8k after one epoch was 3.63 and not 3.86.
    this.embedding = new Embedding(device, random, {
      vocabulary: decoder.vocabulary,
      units: decoder.embedding,
      initialiser: randomNormal(0, 1),
    });
    const recurrentActivation = activationOf(decoder.recurrentActivation);
    const lstm = { units, activation: decoder.activation, recurrentActivation };
    this.lstm = new LSTM(device, random, { inputs: decoder.embedding, ...lstm });
    if (layers === 2) this.upper = new LSTM(device, random, { inputs: units, ...lstm });
    this.encodingKernel = new Parameter(device, initialise(glorotUniform, [width, 4 * units], random), [
      width,
      4 * units,
    ]);
    this.output = new WordOutput(device, random, decoder, width);
    this.encodingDropout = new Dropout(random, rates.encoding);
    this.embeddingDropout = new Dropout(random, rates.embedding);
    this.outputDropout = new Dropout(random, rates.output);
  }

  /** Loads the weights of a captioner folder, where `lstm.kernel` is [encoding + word, 4·units]. */
  override load(weights: ReadonlyMap<string, HostWeight>, source = 'decoder'): void {
    const split = new Map(weights);
    const kernel = weights.get('lstm.kernel');
    if (!kernel) throw new FormatError(`${source}: the weight "lstm.kernel" is missing`);
    const [width, columns] = this.encodingKernel.shape;
    const rows = width + this.config.decoder.embedding;
    if (kernel.shape[0] !== rows || kernel.shape[1] !== columns) {
      throw new FormatError(
        `${source}: the weight "lstm.kernel" is [${kernel.shape.join(', ')}], expected [${rows}, ${columns}]; ` +
          'do config.json and the weights belong together?',
      );
    }
    const { data } = kernel;
    split.set('encodingKernel', { shape: [width, columns], data: data.subarray(0, width * columns) });
    split.set('lstm.kernel', { shape: [rows - width, columns], data: data.subarray(width * columns) });
    super.load(split, source);
  }

  /** The weights as a captioner folder holds them. */
  override async save(): Promise<Map<string, HostWeight>> {
    const weights = await super.save();
    const encoding = weights.get('encodingKernel') as HostWeight;
    const word = weights.get('lstm.kernel') as HostWeight;
    const joined = new Float32Array(encoding.data.length + word.data.length);
    joined.set(encoding.data);
    joined.set(word.data, encoding.data.length);
    weights.delete('encodingKernel');
    weights.set('lstm.kernel', { shape: [encoding.shape[0] + word.shape[0], word.shape[1]], data: joined });
    return weights;
  }

  /** Encodes the features of N images: [N, channels], or [N, places, channels] of a grid. */
  encode(features: Tensor): Encoding {
    const { encoder } = this.config;
    const rank = encoder.pooling === 'grid' ? 3 : 2;
    if (features.rank !== rank) {
      throw new ShapeError(
        `Decoder.encode: features [${features.shape.join(', ')}] were given; this model's pooling is ` +
          `"${encoder.pooling}", which makes rank ${rank}`,
      );
    }
    return scope(() => {
      const projected = this.projection.forward(this.features.forward(features));
      const joined = encoder.flatten ? projected.reshape([features.shape[0], -1]) : projected;
      const encoding = this.encodingDropout.forward(joined);
      if (!this.attention) {
        const projected = matmul(encoding, this.encodingKernel);
        return { features: encoding, projected, keys: null, choice: null };
      }
      const choice = rowNumbers(this.#device, features.shape[0]);
      return { features: encoding, projected: null, keys: this.attention.keys(encoding), choice };
    });
  }

  /** The state before the first word, for each of the encoding's B sentences: h and c [B, layers · U]. */
  initialState({ features, choice }: Encoding): LSTMState {
    return scope(() => {
      const { initialHidden, initialCell } = this;
      if (initialHidden && initialCell) {
        const seen = choice ? meanPlaces(features, choice) : features;
        return { h: initialHidden.forward(seen), c: initialCell.forward(seen) };
      }
      const { units, layers = 1 } = this.config.decoder;
      const shape = [(choice ?? features).shape[0], layers * units];
      const zeros = () => filled(this.#device, shape, 0);
      return { h: zeros(), c: zeros() };
    });
  }

  /**
   * Where each word of one sentence looked: the attention's weights over the grid's places, [T, P]. Projected words
   * [T, …], the start word first and the last left out; an encoding of one row. Throws UnsupportedError where the model
   * has no attention.
   */
  attentionWeights(words: Tensor, encoding: Encoding): Tensor {
    if (!this.attention) {
      throw new UnsupportedError(
        'Decoder.attentionWeights: this model has no attention, so its words look at no place of the image; take a model whose config.json has decoder.attention',
      );
    }
    return scope(() => this.sequence(words, encoding, new Array(words.shape[0]).fill(1)).weights as Tensor);
  }

  /** The encoding for sentences about its images, given by number, int32 [B]: an image may have several. */
  select({ features, projected, keys, choice }: Encoding, images: Tensor): Encoding {
    if (choice && keys) {
      // The same memory under a lifetime of its own.
      const [grid, ofGrid] = [features, keys].map((tensor) => tensor.reshape(tensor.shape));
      return { features: grid, projected, keys: ofGrid, choice: gather(choice, images) };
    }
    return {
      features: gather(features, images),
      projected: projected && gather(projected, images),
      keys,
      choice,
    };
  }

  /** The words' part of the LSTM's pre-activations: ids int32 [R] → [R, 4U], with a deep output its part behind them. */
  projectWords(ids: Tensor): Tensor {
    return scope(() => {
      const { tied, embedding } = this.config.decoder;
      const found = this.embedding.forward(ids);
      // As output kernel the vectors must be faint, as input they should not be: see Vaswani et al. 2017, section 3.4.
      const vectors = this.embeddingDropout.forward(tied ? found.scale(Math.sqrt(embedding)) : found);
      const entering = this.lstm.project(vectors);
      const leaving = this.output.projectWords(vectors);
      return leaving ? concat([entering, leaving], 1) : entering;
    });
  }

  /** One step for B sentences: projected words, encoding, and the state before. */
  advance(words: Tensor, encoding: Encoding, { h, c }: LSTMState): DecoderState {
    return scope(() => {
      const [entering, leaving] = this.#wordParts(words);
      const [[hidden, upperHidden], [cell, upperCell]] = [this.#layersOf(h), this.#layersOf(c)];
      const { context, projected } = this.#context(encoding, hidden);
      const first = this.lstm.advance(entering.add(projected), { h: hidden, c: cell });
      const second = this.upper?.step(first.h, { h: upperHidden, c: upperCell });
      const seen = this.output.projectContexts(context);
      return {
        h: second ? concat([first.h, second.h], 1) : first.h,
        c: second ? concat([first.c, second.c], 1) : first.c,
        output: this.output.enter((second ?? first).h, seen, leaving),
      };
    });
  }

  /**
   * Sentences whose words are known. Projected words [R, …] lie time-major and packed: step t has the first `active[t]` of
   * the encoding's B sentences, falling.
   */
  sequence(words: Tensor, encoding: Encoding, active: readonly number[]): DecoderSequence {
    return scope(() => {
      const [entering, leaving] = this.#wordParts(words);
      const { h, c } = this.initialState(encoding);
      const [[hidden, upperHidden], [cell, upperCell]] = [this.#layersOf(h), this.#layersOf(c)];
      const first = this.#firstLayer(entering, encoding, { h: hidden, c: cell }, active);
      const second = this.upper?.sequence(
        this.upper.project(first.hidden),
        null,
        { h: upperHidden, c: upperCell },
        active,
      );
      return {
        output: this.output.enter(second ?? first.hidden, first.context, leaving),
        weights: first.weights,
      };
    });
  }

  /** What enters the output layer at each word of such sentences. */
  hiddenStates(words: Tensor, encoding: Encoding, active: readonly number[]): Tensor {
    return scope(() => this.sequence(words, encoding, active).output);
  }

  /** Scores of the next word: what enters the output layer [R, …] → logits [R, vocabulary]. */
  logits(output: Tensor): Tensor {
    return scope(() => this.output.logits(this.outputDropout.forward(output), this.embedding.embeddings));
  }

  /** The first layer's hidden states [R, U], the contexts' part of a deep output, and the weights of the places. */
  #firstLayer(projected: Tensor, encoding: Encoding, state: LSTMState, active: readonly number[]) {
    const { features, keys, choice } = encoding;
    const { attention, lstm, encodingKernel: contextKernel, output } = this;
    if (attention && keys && choice) {
      const all = { attention, lstm, contextKernel, projected, grid: features, keys, choice, state, active };
      const { hidden, contexts, weights } = attentionSequence(all);
      return { hidden, context: output.projectContexts(contexts), weights };
    }
    const hidden = lstm.sequence(projected, encoding.projected, state, active);
    const seen = output.projectContexts(features);
    const context =
      seen &&
      concat(
        active.map((count) => firstRows(seen, count)),
        0,
      );
    return { hidden, context, weights: null };
  }

  /** The context of a step, and its part of the pre-activations. */
  #context({ features, projected, keys, choice }: Encoding, hidden: Tensor) {
    if (projected) return { context: features, projected };
    const attention = this.attention as BahdanauAttention;
    const { context } = attention.forward(features, keys as Tensor, hidden, choice as Tensor);
    return { context, projected: matmul(context, this.encodingKernel) };
  }

  /** Of projected words the part that enters the LSTM, and that of a deep output. */
  #wordParts(words: Tensor): [Tensor, Tensor | null] {
    const { units, embedding, outputFrom } = this.config.decoder;
    if (outputFrom !== 'hidden+context+word') return [words, null];
    const [entering, leaving] = executeAll('split', [words], { axis: 1, sizes: [4 * units, embedding] });
    return [entering, leaving];
  }

  /** The part of each layer of h or c [B, layers · U]. */
  #layersOf(state: Tensor): Tensor[] {
    const { units, layers = 1 } = this.config.decoder;
    return layers === 1 ? [state] : executeAll('split', [state], { axis: 1, sizes: [units, units] });
  }
}

/** Width of what enters the LSTM beside the word. */
function encodingWidth({ encoder }: CaptionerConfig): number {
  return encoder.flatten ? gridPlaces(encoder) * encoder.projection.units : encoder.projection.units;
}

/** Places of the grid that a stage makes of the configured image. */
export function gridPlaces({ imageSide, outputs }: CaptionerConfig['encoder']): number {
  const side = gridSide(imageSide, outputs[0]);
  return side * side;
}

function activationOf(name: RecurrentActivation): Activation {
  return name === 'hard_sigmoid' ? 'hardSigmoid' : 'sigmoid';
}
