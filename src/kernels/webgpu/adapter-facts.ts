import type { AdapterFacts } from '../op/op.ts';

/** Names that the software rasterisers go by: Mesa's llvmpipe/lavapipe, Google's SwiftShader, Microsoft's WARP. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|basic render|software/i;

/** What variants are chosen from, read off an adapter. */
export function adapterFacts(adapter: GPUAdapter): AdapterFacts {
  const { info, limits } = adapter;
  const words = [info.vendor, info.architecture, info.device].filter(Boolean).join(' ');
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description || words || 'unnamed adapter',
    cpuLike: info.isFallbackAdapter === true || SOFTWARE.test(`${words} ${info.description}`),
    features: new Set([...adapter.features].map(String)),
    subgroupSize: info.subgroupMinSize === info.subgroupMaxSize ? (info.subgroupMinSize ?? 0) : 0,
    maxWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupStorageBytes: limits.maxComputeWorkgroupStorageSize,
    maxBufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
  };
}

/** The optional features worth having where the adapter has them. */
const WANTED_FEATURES: readonly GPUFeatureName[] = ['subgroups', 'timestamp-query'];

/** The limits that this engine can run into; a device gets the specification's minimum of those it does not ask for. */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** What to ask of `adapter.requestDevice`: all that the adapter offers of what we use. */
export function deviceDescriptor(adapter: GPUAdapter): GPUDeviceDescriptor {
  const requiredLimits: Record<string, number> = {};
  for (const name of WANTED_LIMITS) requiredLimits[name] = adapter.limits[name];
  return {
    label: 'ekphrasis',
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits,
  };
}
