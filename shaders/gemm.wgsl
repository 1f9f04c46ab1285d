// Σ a[row, …]·b[…, column] on registers alone: every invocation keeps a tile of y, and nothing is shared. Made for
// software adapters, where workgroup memory and barriers cost more than they save.
const GROUP_COLUMNS: u32 = 8u;
const GROUP_ROWS: u32 = 4u;
const TILE_ROWS: u32 = 4u;
// Columns of y come in fours.
const TILE_VECTORS: u32 = 2u;
// Whether segmentStart may be negative, which stands for a row of zeros.
const GUARDED: bool = false;

// All from here to computeTile is replaced by gemm-operands.wgsl, which explains it.
struct Params {
  batches: u32,
  rows: u32,
  columns: u32,
  segments: u32,
  depth: u32,
  rowGroups: u32,
  columnGroups: u32,
  aDepth: u32,
  bDepth: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

struct Row {
  start: i32,
}

fn rowOf(batch: u32, row: u32) -> Row {
  return Row(i32(row * params.depth));
}

fn segmentStart(row: Row, segment: u32) -> i32 {
  return row.start;
}

fn columnStart(batch: u32, segment: u32, vector: u32) -> u32 {
  return vector;
}

fn readB(start: u32, vector: u32) -> vec4<f32> {
  return vec4<f32>();
}

fn writeY(batch: u32, row: u32, vector: u32, sum: vec4<f32>) {
}

// Rows past the last repeat the last and are not written. SwiftShader keeps arrays in memory and does not unroll loops,
// which makes this 15 times slower than need be: gemm-tiles.ts replaces it by the same written out for the tile's size.
fn computeTile(batch: u32, row: u32, vector: u32) {
  var rowData: array<Row, TILE_ROWS>;
  for (var r = 0u; r < TILE_ROWS; r++) {
    rowData[r] = rowOf(batch, min(row + r, params.rows - 1u));
  }
  var sums: array<array<vec4<f32>, TILE_VECTORS>, TILE_ROWS>;
  for (var segment = 0u; segment < params.segments; segment++) {
    var starts: array<i32, TILE_ROWS>;
    for (var r = 0u; r < TILE_ROWS; r++) {
      starts[r] = segmentStart(rowData[r], segment);
    }
    var atA = 0u;
    var atB = columnStart(batch, segment, vector);
    for (var depth = 0u; depth < params.depth; depth++) {
      for (var r = 0u; r < TILE_ROWS; r++) {
        let element = a[u32(max(starts[r], 0)) + atA];
        let value = select(element, 0.0, GUARDED && starts[r] < 0);
        for (var v = 0u; v < TILE_VECTORS; v++) {
          sums[r][v] += value * readB(atB, v);
        }
      }
      atA += params.aDepth;
      atB += params.bDepth;
    }
  }
  for (var r = 0u; r < TILE_ROWS; r++) {
    for (var v = 0u; v < TILE_VECTORS; v++) {
      writeY(batch, row + r, vector + v, sums[r][v]);
    }
  }
}

@compute @workgroup_size(GROUP_COLUMNS, GROUP_ROWS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let index = group.x + group.y * groups.x;
  let batch = index / (params.rowGroups * params.columnGroups);
  let rowGroup = index / params.columnGroups % params.rowGroups;
  let row = (rowGroup * GROUP_ROWS + local.y) * TILE_ROWS;
  let vector = (index % params.columnGroups * GROUP_COLUMNS + local.x) * TILE_VECTORS;
  // The grid is folded, so it may have more workgroups than there are tiles.
  if (batch < params.batches && row < params.rows && 4u * vector < params.columns) {
    computeTile(batch, row, vector);
  }
}
