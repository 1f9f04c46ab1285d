// Adds up the parts of a product that gemm-tiled.wgsl wrote by gemm-parts.wgsl, always in the same order, and completes
// it by bias and activation. One invocation sums four columns.
const WORKGROUP_SIZE: u32 = 64u;
const SPLITS: u32 = 2u;

// All from here to main is replaced by gemm-operands.wgsl, which explains it; `a` holds the parts.
struct Params {
  batches: u32,
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

fn writeY(batch: u32, row: u32, vector: u32, sum: vec4<f32>) {
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  let vectors = (params.columns + 3u) / 4u;
  if (index >= params.batches * params.rows * vectors) {
    return;
  }
  let row = index / vectors % params.rows;
  let batch = index / vectors / params.rows;
  var sum = vec4<f32>();
  for (var split = 0u; split < SPLITS; split++) {
    sum += a[((batch * SPLITS + split) * params.rows + row) * vectors + index % vectors];
  }
  writeY(batch, row, index % vectors, sum);
}
