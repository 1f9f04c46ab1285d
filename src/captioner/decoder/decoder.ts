import type { Activation } from '../../kernels/activation.ts';
import type { Device } from '../../kernels/device.ts';
import { FormatError, ShapeError, UnsupportedError } from '../../kernels/errors.ts';
import { gridSide, stageChannels } from '../../nn/inception-v3/architecture.ts';
import { glorotUniform, initialise, randomNormal } from '../../nn/initialisers.ts';
import { BahdanauAttention } from '../../nn/layers/attention.ts';
import { Dense } from '../../nn/layers/dense.ts';
import { Dropout } from '../../nn/layers/dropout.ts';
import { Embedding } from '../../nn/layers/embedding.ts';
import { LSTM } from '../../nn/layers/lstm.ts';
import type { LSTMState } from '../../nn/layers/lstm-sequence.ts';
import { type HostWeight, Module } from '../../nn/module.ts';
import type { Random } from '../../nn/random.ts';
import { concat, firstRows, gather, matmul } from '../../tensor/functions.ts';
import { Parameter } from '../../tensor/parameter.ts';
import { scope } from '../../tensor/scope.ts';
import { executeAll, executeOn, type Tensor } from '../../tensor/tensor.ts';
import type { CaptionerConfig, RecurrentActivation } from '../config.ts';
import { FeatureTransform } from './feature-transform.ts';

export interface DropoutRates {
  /** On the encoding (or context) that enters the LSTM and its initial state. */
  readonly encoding: number;
  /** On the word vectors. */
  readonly embedding: number;
  /** On the hidden state that enters the output layer. */
  readonly output: number;
}

/** What the decoder sees of N images. */
export interface Encoding {
  /** One vector an image [N, E], or with attention the grid [N, P, E]. */
  readonly features: Tensor;
  /** Without attention, the encoding's part of the LSTM's pre-activations [N, 4U]: the same at every step. */
  readonly projected: Tensor | null;
  /** With attention, its keys [N, P, A]. */
  readonly keys: Tensor | null;
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
  readonly output: Dense;
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
    if (decoder.initialState === 'dense') {
      this.initialHidden = new Dense(device, random, { inputs: width, units, activation: 'tanh' });
      this.initialCell = new Dense(device, random, { inputs: width, units, activation: 'tanh' });
    }
    if (decoder.attention) {
      const attention = { channels: width, query: units, units: decoder.attention.units };
      this.attention = new BahdanauAttention(device, random, attention);
    }
    // Keras's ±0.05 leaves the words faint beside the encoding. With unit normals, and a tenth less dropout, the
    // validation loss on Flickr8k after one epoch was 3.63 and not 3.86.
    this.embedding = new Embedding(device, random, {
      vocabulary: decoder.vocabulary,
      units: decoder.embedding,
      initialiser: randomNormal(0, 1),
    });
    this.lstm = new LSTM(device, random, {
      inputs: decoder.embedding,
      units,
      activation: decoder.activation,
      recurrentActivation: activationOf(decoder.recurrentActivation),
    });
    this.encodingKernel = new Parameter(device, initialise(glorotUniform, [width, 4 * units], random), [
      width,
      4 * units,
    ]);
    this.output = new Dense(device, random, { inputs: units, units: decoder.vocabulary });
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
      if (this.attention) return { features: encoding, projected: null, keys: this.attention.keys(encoding) };
      return { features: encoding, projected: matmul(encoding, this.encodingKernel), keys: null };
    });
  }

  /** An encoding's tensors as a list, as plans take and give them. */
  listOf({ features, projected, keys }: Encoding): Tensor[] {
    return [features, projected, keys].filter((tensor) => tensor !== null);
  }

  /** The encoding of such a list. */
  encodingOf([features, other]: readonly Tensor[]): Encoding {
    return this.attention
      ? { features, projected: null, keys: other }
      : { features, projected: other, keys: null };
  }

  /** The state before the first word, for each of the encoding's N images. */
  initialState(encoding: Encoding): LSTMState {
    if (this.initialHidden && this.initialCell) {
      return {
        h: this.initialHidden.forward(encoding.features),
        c: this.initialCell.forward(encoding.features),
      };
    }
    const shape = [encoding.features.shape[0], this.config.decoder.units];
    const zeros = () => executeOn(this.#device, 'fill', [], { shape, dtype: 'float32', value: 0 })[0];
    return { h: zeros(), c: zeros() };
  }

  /** Rows of an encoding by image number, int32 [B]: one encoding serves several captions of an image. */
  select(encoding: Encoding, images: Tensor): Encoding {
    return mapEncoding(encoding, (tensor) => gather(tensor, images));
  }

  /** The words' part of the LSTM's pre-activations: ids int32 [R] → [R, 4U]. */
  projectWords(ids: Tensor): Tensor {
    return scope(() => this.lstm.project(this.embeddingDropout.forward(this.embedding.forward(ids))));
  }

  /** One step of the LSTM for B sentences: projected words [B, 4U], encoding of B rows. */
  advance(words: Tensor, encoding: Encoding, state: LSTMState): LSTMState {
    return scope(() => this.lstm.advance(words.add(this.#context(encoding, state)), state));
  }

  /**
   * Hidden states [R, U] of sentences whose words are known. Projected words [R, 4U] lie time-major and packed: step t
   * has the first `active[t]` of the encoding's B rows, falling.
   */
  hiddenStates(words: Tensor, encoding: Encoding, active: readonly number[]): Tensor {
    return scope(() => {
      let state = this.initialState(encoding);
      if (encoding.projected) return this.lstm.sequence(words, encoding.projected, state, active);
      let running = encoding;
      const hidden = executeAll('split', [words], { axis: 0, sizes: active }).map((word, step) => {
        const count = active[step];
        running = mapEncoding(running, (tensor) => firstRows(tensor, count));
        state = { h: firstRows(state.h, count), c: firstRows(state.c, count) };
        state = this.advance(word, running, state);
        return state.h;
      });
      return concat(hidden, 0);
    });
  }

  /**
   * Where each word of one sentence looked: the attention's weights over the grid's places, [T, P]. Projected words
   * [T, 4U], the start word first and the last left out; an encoding of one row. Throws UnsupportedError where the model
   * has no attention.
   */
  attentionWeights(words: Tensor, encoding: Encoding): Tensor {
    const { features, keys } = encoding;
    const { attention } = this;
    if (!attention || !keys) {
      throw new UnsupportedError(
        'Decoder.attentionWeights: this model has no attention, so its words look at no place of the image; take a model whose config.json has decoder.attention',
      );
    }
    return scope(() => {
      let state = this.initialState(encoding);
      const weights = executeAll('split', [words], {
        axis: 0,
        sizes: new Array(words.shape[0]).fill(1),
      }).map((word) => {
        const looked = attention.forward(features, keys, state.h).weights;
        state = this.advance(word, encoding, state);
        return looked;
      });
      return concat(weights, 0);
    });
  }

  /** Scores of the next word: hidden states [R, U] → logits [R, vocabulary]. */
  logits(hidden: Tensor): Tensor {
    return scope(() => this.output.forward(this.outputDropout.forward(hidden)));
  }

  #context({ features, projected, keys }: Encoding, state: LSTMState): Tensor {
    if (projected) return projected;
    const attention = this.attention as BahdanauAttention;
    const { context } = attention.forward(features, keys as Tensor, state.h);
    return matmul(context, this.encodingKernel);
  }
}

function mapEncoding({ features, projected, keys }: Encoding, change: (tensor: Tensor) => Tensor): Encoding {
  return {
    features: change(features),
    projected: projected && change(projected),
    keys: keys && change(keys),
  };
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
