// Hook of gemm.wgsl and gemm-tiled.wgsl: a bias for each column.
@group(0) @binding(3) var<storage, read> bias: array<f32>;

fn biasOf(vector: u32) -> vec4<f32> {
  let column = 4u * vector;
  return vec4<f32>(bias[column], bias[column + 1u], bias[column + 2u], bias[column + 3u]);
}
