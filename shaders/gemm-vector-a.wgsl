// Hook of gemm-subgroup.wgsl, gemm-tiled.wgsl and gemm-sum.wgsl where `a` is contiguous in depth, and its rows start at and have
// a multiple of four elements.
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;

fn loadA(start: u32, depth: u32) -> vec4<f32> {
  return a[(start + depth) / 4u];
}
