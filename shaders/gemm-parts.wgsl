// Hook of gemm-tiled.wgsl where several workgroups share the inner dimension of a tile: y holds the parts of the sums,
// which gemm-sum.wgsl adds up.
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

fn storeY(at: u32, count: u32, value: vec4<f32>) {
  y[at] = value;
}
