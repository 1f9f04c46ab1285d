import { openGpu } from '#gpu';
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
    throw new NoAdapterError(
      'no WebGPU adapter was found: neither a GPU with a Vulkan (Linux), Metal or Direct3D 12 driver nor a software one. ' +
        'On Debian install libvulkan1 and mesa-vulkan-drivers (Debian 12: the one of bookworm-backports), or chromium and ' +
        'set VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json; or take the CPU device',
    );
  }
  return adapter;
}
