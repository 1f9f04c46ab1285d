// Hook of gemm.wgsl and gemm-tiled.wgsl where the columns, and where rows of y begin, are multiples of four.
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

fn storeY(at: u32, count: u32, value: vec4<f32>) {
  y[at / 4u] = value;
}
