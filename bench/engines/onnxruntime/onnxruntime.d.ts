/** What the benchmark uses of onnxruntime and pbf, so that types are checked where they are not installed. */
declare module 'onnxruntime-web' {
  export class Tensor {
    constructor(type: 'float32', data: Float32Array, shape: readonly number[]);
    constructor(type: 'int32', data: Int32Array, shape: readonly number[]);
    readonly data: Float32Array | Int32Array;
    readonly dims: readonly number[];
    dispose(): void;
  }
  export const env: {
    readonly versions: { readonly web?: string };
    readonly wasm: { numThreads: number; wasmPaths: string };
    logLevel: 'error' | 'warning';
  };
  export class InferenceSession {
    static create(
      model: Uint8Array,
      options: {
        executionProviders: readonly 'wasm'[];
        graphOptimizationLevel: 'all';
      },
    ): Promise<InferenceSession>;
    readonly outputNames: readonly string[];
    run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
    release(): Promise<void>;
  }
}

declare module 'pbf' {
  export class PbfWriter {
    writeVarintField(tag: number, value: number): void;
    writeStringField(tag: number, text: string): void;
    writeBytesField(tag: number, bytes: Uint8Array): void;
    writeMessage<T>(tag: number, write: (value: T, pbf: PbfWriter) => void, value: T): void;
    finish(): Uint8Array;
  }
}
