/** What the benchmark uses of jax-js, so that types are checked where it is not installed. Calls consume their arrays: pass `.ref`. */
declare module '@jax-js/jax' {
  type Device = 'webgpu' | 'wasm' | 'cpu';
  class JaxArray {
    readonly shape: number[];
    /** The same array with one more reference, for a call to consume. */
    readonly ref: this;
    /** Submits what leads to this array, without waiting for it. */
    gpuBuffer(): Promise<GPUBuffer>;
    data(): Promise<Float32Array | Int32Array>;
    blockUntilReady(): Promise<JaxArray>;
    dispose(): void;
    add(other: JaxArray): JaxArray;
    mul(other: JaxArray): JaxArray;
    reshape(shape: number[]): JaxArray;
    slice(...ranges: ([number, number] | [])[]): JaxArray;
  }

  export { JaxArray as Array };
  export function init(...devices: Device[]): Promise<Device[]>;
  export function defaultDevice(device: Device): Device;
  export function jit(
    compute: (...inputs: JaxArray[]) => JaxArray[],
  ): ((...inputs: JaxArray[]) => JaxArray[]) & { dispose(): void };
  export const numpy: {
    array(data: Float32Array | Int32Array, options: { shape: number[] }): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    take(table: JaxArray, ids: JaxArray, axis: number): JaxArray;
    concatenate(parts: JaxArray[], axis: number): JaxArray;
    split(x: JaxArray, parts: number, axis: number): JaxArray[];
    pad(x: JaxArray, widths: [number, number][]): JaxArray;
    max(x: JaxArray): JaxArray;
    sum(x: JaxArray): JaxArray;
    tanh(x: JaxArray): JaxArray;
  };
  export const nn: {
    relu(x: JaxArray): JaxArray;
    sigmoid(x: JaxArray): JaxArray;
    softmax(x: JaxArray, axis: number): JaxArray;
  };
  export const lax: {
    conv(x: JaxArray, kernel: JaxArray, strides: number[], padding: 'SAME' | 'VALID'): JaxArray;
    reduceWindow(
      x: JaxArray,
      reduce: (window: JaxArray) => JaxArray,
      window: number[],
      strides: number[],
    ): JaxArray;
  };
}
