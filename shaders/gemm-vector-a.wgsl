// Hook of gemm-subgroup.wgsl where rows of `a` are contiguous, and start at and have a multiple of four elements.
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;

fn loadA(start: u32, depth: u32) -> vec4<f32> {
  return a[(start + depth) / 4u];
}
