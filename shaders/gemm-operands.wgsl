// Hook of gemm.wgsl, gemm-subgroup.wgsl and gemm-tiled.wgsl: how a product reads `a` and `b` and writes `y`. Other hooks replace parts of it.
//
// The inner dimension is walked in segments of equal depth. Within one, a row of `a` advances by a constant stride from
// a start that `segmentStart` gives: a plain product has one segment, a convolution one for each tap of its kernel.
struct Params {
  batches: u32,
  rows: u32,
  columns: u32,
  segments: u32,
  depth: u32,
  rowGroups: u32,
  columnGroups: u32,
  aBatch: u32,
  aRow: u32,
  aDepth: u32,
  bBatch: u32,
  bSegment: u32,
  bDepth: u32,
  bColumn: u32,
  // Where y lies: rows may be channels of a wider tensor.
  yBatch: u32,
  yRow: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// What is worth knowing of a row of `a` before its segments are walked.
struct Row {
  start: i32,
}

fn rowOf(batch: u32, row: u32) -> Row {
  return Row(i32(batch * params.aBatch + row * params.aRow));
}

fn segmentStart(row: Row, segment: u32) -> i32 {
  return row.start;
}

// Four elements of a row of `a` that follow each other in depth.
fn loadA(start: u32, depth: u32) -> vec4<f32> {
  let at = start + depth * params.aDepth;
  return vec4<f32>(a[at], a[at + params.aDepth], a[at + 2u * params.aDepth], a[at + 3u * params.aDepth]);
}

// Where the columns of a tile begin in `b`, in its elements.
fn columnStart(batch: u32, segment: u32, vector: u32) -> u32 {
  return batch * params.bBatch + segment * params.bSegment + 4u * vector * params.bColumn;
}

fn loadB(at: u32, step: u32) -> vec4<f32> {
  return vec4<f32>(b[at], b[at + step], b[at + 2u * step], b[at + 3u * step]);
}

fn storeY(at: u32, count: u32, value: vec4<f32>) {
  for (var component = 0u; component < count; component++) {
    y[at + component] = value[component];
  }
}

// Four columns of `b`. Columns past the last read whatever lies there, and are not written.
fn readB(start: u32, vector: u32) -> vec4<f32> {
  return loadB(start + 4u * vector * params.bColumn, params.bColumn);
}

fn activate(x: f32) -> f32 {
  return x;
}

fn biasOf(vector: u32) -> vec4<f32> {
  return vec4<f32>();
}

fn epilogue(sum: vec4<f32>, vector: u32) -> vec4<f32> {
  let x = sum + biasOf(vector);
  return vec4<f32>(activate(x.x), activate(x.y), activate(x.z), activate(x.w));
}

fn writeY(batch: u32, row: u32, vector: u32, sum: vec4<f32>) {
  let column = 4u * vector;
  if (row < params.rows && column < params.columns) {
    let at = params.yOffset + batch * params.yBatch + row * params.yRow + column;
    storeY(at, min(4u, params.columns - column), epilogue(sum, vector));
  }
}
