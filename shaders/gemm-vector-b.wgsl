// Hook of gemm.wgsl and gemm-tiled.wgsl where `b` is contiguous along columns and these are a multiple of four.
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;

fn loadB(at: u32, step: u32) -> vec4<f32> {
  return b[at / 4u];
}
