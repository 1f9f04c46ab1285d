/** Files of other programs: Keras HDF5, TensorFlow.js layers-models, pickled tokenizers. */

export { readTokenizerPickle } from './captioner/tokenizer/pickle.ts';
export { type InceptionWeights, inceptionWeights } from './nn/formats/inception-weights.ts';
export { readKerasHdf5 } from './nn/formats/keras-hdf5.ts';
export type { KerasLayer, KerasModel } from './nn/formats/keras-model.ts';
export { type LoadShard, readTfjsLayers } from './nn/formats/tfjs-layers.ts';
