/**
 * The whole library: a tensor engine on WebGPU and on the processor, neural networks on it, and the captioner. Importing it
 * touches nothing; begin with `requestDevice()`. Each part can be imported alone: ekphrasis/engine, ekphrasis/nn,
 * ekphrasis/captioner, ekphrasis/images, ekphrasis/formats and ekphrasis/kernels.
 */

export * from './captioner.ts';
export * from './engine.ts';
export * from './formats.ts';
export * from './images.ts';
export * from './kernels.ts';
export * from './nn.ts';
