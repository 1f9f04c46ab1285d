import { FormatError } from '../../kernels/op/errors.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { layerConfigs } from '../../nn/formats/keras-model.ts';
import type { RecurrentActivation } from '../config.ts';
import { said } from './known-layers.ts';

/**
 * The recurrent activation of a decoder's LSTM, and what had to be assumed.
 * @param asked for a file without `model_config`; by default what the file's Keras version had as default
 * @throws FormatError where the LSTM is another than ours, lacks a setting, or contradicts `asked`.
 */
export function recurrentActivationOf(
  model: KerasModel,
  asked: RecurrentActivation | undefined,
): { recurrentActivation: RecurrentActivation; notes: readonly string[] } {
  const { file, kerasVersion } = model;
  const configs = layerConfigs(model.modelConfig);
  const config = configs.find(({ className }) => /^LSTM(Cell)?$/.test(className))?.config;
  if (!config) {
    if (model.modelConfig) {
      throw new FormatError(`${file}: its configuration has no LSTM layer, though its weights have`);
    }
    if (asked) return { recurrentActivation: asked, notes: [] };
    const usual = defaultRecurrentActivation(kerasVersion);
    return {
      recurrentActivation: usual,
      notes: [
        `${file} holds weights only, so the LSTM's recurrent activation is assumed to be ${usual}, the default of ${kerasVersion ? `Keras ${kerasVersion}` : 'TensorFlow 2'} (--recurrent-activation sets another)`,
      ],
    };
  }
  const { activation, recurrent_activation: recurrent } = config;
  if (activation !== 'tanh' || (recurrent !== 'sigmoid' && recurrent !== 'hard_sigmoid')) {
    throw new FormatError(
      `${file}: its LSTM has the activations ${said(activation)} and ${said(recurrent)}, but only tanh with sigmoid or hard_sigmoid is supported`,
    );
  }
  if (recurrent === 'hard_sigmoid' && isKeras3(model)) {
    throw new FormatError(
      `${file}: its LSTM has the recurrent activation hard_sigmoid, which Keras 3 computes as clip(x / 6 + 0.5, 0, 1); only that of Keras 2, clip(0.2 x + 0.5, 0, 1), and sigmoid are supported`,
    );
  }
  const backwards = configs
    .filter(({ className }) => className === 'LSTM' || className === 'RNN')
    .map(({ config }) => config.go_backwards)
    .find((value) => value !== false);
  if (backwards !== undefined || !configs.some(({ config }) => config.go_backwards === false)) {
    throw new FormatError(
      `${file}: its LSTM has the go_backwards ${said(backwards)}, but only false is supported`,
    );
  }
  if (asked && asked !== recurrent) {
    throw new FormatError(
      `${file} says that its LSTM's recurrent activation is ${recurrent}, but ${asked} was asked for: leave that option out`,
    );
  }
  return { recurrentActivation: recurrent, notes: [] };
}

/** By the version that the file names, or by how it writes the inputs of its layers. */
function isKeras3({ kerasVersion, modelConfig }: KerasModel): boolean {
  if (kerasVersion !== undefined) return Number.parseInt(kerasVersion, 10) >= 3;
  return JSON.stringify(modelConfig).includes('__keras_tensor__');
}

/** Keras alone changed its default with 2.3.0; in TensorFlow 2 (`…-tf`) it has always been sigmoid. */
function defaultRecurrentActivation(kerasVersion: string | undefined): RecurrentActivation {
  if (kerasVersion === undefined || kerasVersion.endsWith('-tf')) return 'sigmoid';
  const [major, minor] = kerasVersion.split('.').map(Number);
  return major < 2 || (major === 2 && minor < 3) ? 'hard_sigmoid' : 'sigmoid';
}
