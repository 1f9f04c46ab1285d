/**
 * Bits of GPUBufferUsage, GPUMapMode and GPUShaderStage as the WebGPU specification numbers them: in Node they are
 * not global, and importing them from Dawn would load it.
 */
export const bufferUsage = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyDestination: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  queryResolve: 0x0200,
} as const;

export const mapModeRead = 0x0001;

export const shaderStageCompute = 0x4;
