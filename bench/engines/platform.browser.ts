export { restBetweenPolls } from '../../src/kernels/webgpu/gpu.browser.ts';

/** A page has WebGPU already, if it has it at all. */
export async function provideWebGpu(): Promise<void> {}

/** Where the page's server offers the WebAssembly files of a package, with a slash at the end. */
export function wasmFolder(packageName: '@tensorflow/tfjs-backend-wasm' | 'onnxruntime-web'): string {
  return new URL(`node_modules/${packageName}/dist/`, document.baseURI).href;
}
