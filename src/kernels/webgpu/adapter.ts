import { adapterAdvice, openGpu } from '#gpu';
import { NoAdapterError } from '../op/errors.ts';

export { hardwareMayExist } from '#gpu';

export interface AdapterOptions {
  readonly powerPreference?: GPUPowerPreference;
  /** Takes a software adapter even where there is a GPU. */
  readonly forceFallback?: boolean;
  /** Dawn's options (Node alone), such as `backend=null`. */
  readonly dawn?: readonly string[];
}

/** An adapter by the options. Throws NoAdapterError saying what to install. */
export async function openAdapter(options: AdapterOptions = {}): Promise<GPUAdapter> {
  const gpu = await openGpu(options.dawn);
  const adapter = await gpu.requestAdapter({
    powerPreference: options.powerPreference,
    forceFallbackAdapter: options.forceFallback ?? false,
  });
  if (!adapter) {
    throw new NoAdapterError(`no WebGPU adapter was found: ${adapterAdvice}`);
  }
  return adapter;
}
