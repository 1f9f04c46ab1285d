import { FormatError } from '../../kernels/op/errors.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { layerConfigs } from '../../nn/formats/keras-model.ts';
import type { WeightArray } from '../../nn/formats/weights.ts';
import type { RecurrentActivation } from '../config.ts';
import { requireEncodingFirst } from './concatenation.ts';
import type { LayerWeights } from './layer-weights.ts';
import { innermostLayers, layerList, open, parameterAs } from './layer-weights.ts';

/** A decoder of the original captioner: embedding, LSTM, dense output, and in its later version attention. */
export interface CaptionerDecoder {
  /** Under the names of `decoder.safetensors`, without the projection. */
  readonly weights: readonly WeightArray[];
  /** Width of what is concatenated before the word: the whole encoding, or one place of it with attention. */
  readonly encodingWidth: number;
  readonly attention: { readonly units: number } | null;
  readonly embedding: number;
  readonly units: number;
  readonly vocabulary: number;
  readonly recurrentActivation: RecurrentActivation;
  /** What had to be assumed, for the user. */
  readonly notes: readonly string[];
}

/**
 * @param recurrentActivation for a file without `model_config`; by default what the file's Keras version had as default
 * @throws FormatError when the file is not such a decoder, or contradicts `recurrentActivation`.
 */
export function readCaptionerDecoder(
  model: KerasModel,
  recurrentActivation?: RecurrentActivation,
): CaptionerDecoder {
  const { file } = model;
  const layers = innermostLayers(model);
  const lstm = onlyOne(layers, 'LSTM layer', ({ parameters }) => parameters.has('recurrent_kernel'), file);
  const embedding = onlyOne(
    layers,
    'embedding layer',
    ({ parameters }) => parameters.has('embeddings'),
    file,
  );
  const attentionLayers = attentionOf(layers, file);
  const known: (LayerWeights | undefined)[] = [lstm, embedding, ...Object.values(attentionLayers ?? {})];
  const rest = layers.filter((layer) => !known.includes(layer));
  const output = onlyOne(rest, 'output layer', () => true, file);

  const table = parameterAs(embedding, 'embeddings', 'embedding.embeddings', [open, open], file);
  const [vocabulary, embeddingWidth] = table.shape;
  const recurrent = parameterAs(lstm, 'recurrent_kernel', 'lstm.recurrentKernel', [open, open], file);
  const units = recurrent.shape[0];
  if (recurrent.shape[1] !== 4 * units) {
    throw new FormatError(
      `${file}: ${recurrent.shape[1]} columns in the recurrent kernel of ${lstm.layer} are not 4 gates of ${units} units: it is no LSTM`,
    );
  }
  const kernel = parameterAs(lstm, 'kernel', 'lstm.kernel', [open, 4 * units], file);
  const encodingWidth = kernel.shape[0] - embeddingWidth;
  if (encodingWidth <= 0) {
    throw new FormatError(
      `${file}: the LSTM reads ${kernel.shape[0]} numbers, too few for an image encoding and a word of ${embeddingWidth}`,
    );
  }
  const weights = [
    table,
    kernel,
    recurrent,
    parameterAs(lstm, 'bias', 'lstm.bias', [4 * units], file),
    parameterAs(output, 'kernel', 'output.kernel', [units, vocabulary], file),
    parameterAs(output, 'bias', 'output.bias', [vocabulary], file),
  ];
  let attention: CaptionerDecoder['attention'] = null;
  if (attentionLayers) {
    const { features, hidden, score } = attentionLayers;
    const featuresKernel = parameterAs(
      features,
      'kernel',
      'attention.features.kernel',
      [encodingWidth, open],
      file,
    );
    const width = featuresKernel.shape[1];
    attention = { units: width };
    weights.push(
      featuresKernel,
      parameterAs(features, 'bias', 'attention.features.bias', [width], file),
      parameterAs(hidden, 'kernel', 'attention.hidden.kernel', [units, width], file),
      parameterAs(hidden, 'bias', 'attention.hidden.bias', [width], file),
      parameterAs(score, 'kernel', 'attention.score.kernel', [width, 1], file),
      parameterAs(score, 'bias', 'attention.score.bias', [1], file),
    );
  }
  requireEncodingFirst(model, embedding.layer, lstm.layer);
  const activations = lstmActivation(model, recurrentActivation);
  return { weights, encodingWidth, attention, embedding: embeddingWidth, units, vocabulary, ...activations };
}

function onlyOne(
  layers: readonly LayerWeights[],
  what: string,
  wanted: (layer: LayerWeights) => boolean,
  file: string,
): LayerWeights {
  const found = layers.filter(wanted);
  if (found.length === 1) return found[0];
  throw new FormatError(
    `${file}: a captioner's decoder has one ${what}, but ${found.length ? `here are ${layerList(found)}` : `none is here, only ${layerList(layers)}`}: give the decoder's one-step model`,
  );
}

/** The three dense layers of additive attention, which the original names W1, W2 and V. */
function attentionOf(layers: readonly LayerWeights[], file: string) {
  const named = (name: string) =>
    layers.find(
      ({ layer, owner, parameters }) => (owner === name || layer === name) && parameters.has('kernel'),
    );
  const features = named('W1');
  const hidden = named('W2');
  const score = named('V');
  if (features && hidden && score) return { features, hidden, score };
  if (!features && !hidden && !score) return undefined;
  throw new FormatError(
    `${file}: attention has three dense layers, W1, W2 and V, but only some of them are here: ${layerList(layers)}`,
  );
}

function lstmActivation(
  model: KerasModel,
  asked: RecurrentActivation | undefined,
): Pick<CaptionerDecoder, 'recurrentActivation' | 'notes'> {
  const { file } = model;
  const config = layerConfigs(model.modelConfig).find(({ className }) =>
    /^LSTM(Cell)?$/.test(className),
  )?.config;
  if (!config) {
    if (asked) return { recurrentActivation: asked, notes: [] };
    const usual = defaultRecurrentActivation(model.kerasVersion);
    return {
      recurrentActivation: usual,
      notes: [
        `${file} holds weights only, so the LSTM's recurrent activation is assumed to be ${usual}, the default of ${model.kerasVersion ? `Keras ${model.kerasVersion}` : 'TensorFlow 2'} (--recurrent-activation sets another)`,
      ],
    };
  }
  const { activation = 'tanh', recurrent_activation: recurrent } = config;
  if (activation !== 'tanh' || (recurrent !== 'sigmoid' && recurrent !== 'hard_sigmoid')) {
    throw new FormatError(
      `${file}: its LSTM has the activations ${String(activation)} and ${String(recurrent)}, but only tanh with sigmoid or hard_sigmoid is supported`,
    );
  }
  if (asked && asked !== recurrent) {
    throw new FormatError(
      `${file} says that its LSTM's recurrent activation is ${recurrent}, but ${asked} was asked for: leave that option out`,
    );
  }
  return { recurrentActivation: recurrent, notes: [] };
}

/** Keras alone changed its default with 2.3.0; in TensorFlow 2 (`…-tf`) it has always been sigmoid. */
function defaultRecurrentActivation(kerasVersion: string | undefined): RecurrentActivation {
  if (kerasVersion === undefined || kerasVersion.endsWith('-tf')) return 'sigmoid';
  const [major, minor] = kerasVersion.split('.').map(Number);
  return major < 2 || (major === 2 && minor < 3) ? 'hard_sigmoid' : 'sigmoid';
}
