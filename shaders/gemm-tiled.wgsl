// The product of gemm.wgsl for hardware GPUs: a workgroup keeps a tile of y and passes tiles of `a` and `b` through
// workgroup memory, so that each element is read from memory once for 64 uses.
const THREADS: u32 = 16u;
const TILE_ROWS: u32 = 64u;
const TILE_VECTORS: u32 = 16u;
const TILE_DEPTH: u32 = 16u;
const GUARDED: bool = false;

// By depth, then rows; by depth, then columns.
var<workgroup> aTile: array<array<f32, TILE_ROWS>, TILE_DEPTH>;
var<workgroup> bTile: array<array<vec4<f32>, TILE_VECTORS>, TILE_DEPTH>;

// All from here to loadTiles is replaced by gemm-operands.wgsl, which explains it.
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

// Fills aTile and bTile from `depth` on; past the end of the segment with zeros.
fn loadTiles(batch: u32, segment: u32, depth: u32, firstRow: u32, firstVector: u32, thread: u32) {
  let d = thread % TILE_DEPTH;
  for (var r = thread / TILE_DEPTH; r < TILE_ROWS; r += THREADS * THREADS / TILE_DEPTH) {
    let start = segmentStart(rowOf(batch, min(firstRow + r, params.rows - 1u)), segment);
    var value = 0.0;
    if (depth + d < params.depth && !(GUARDED && start < 0)) {
      value = a[u32(start) + (depth + d) * params.aDepth];
    }
    aTile[d][r] = value;
  }
  let v = thread % TILE_VECTORS;
  for (var e = thread / TILE_VECTORS; e < TILE_DEPTH; e += THREADS * THREADS / TILE_VECTORS) {
    var value = vec4<f32>();
    if (depth + e < params.depth) {
      value = readB(columnStart(batch, segment, firstVector) + (depth + e) * params.bDepth, v);
    }
    bTile[e][v] = value;
  }
}

@compute @workgroup_size(THREADS, THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let index = group.x + group.y * groups.x;
  let batch = index / (params.rowGroups * params.columnGroups);
  // The grid is folded, so it may have more workgroups than there are tiles. All of one agree, so the barriers are safe.
  if (batch >= params.batches) {
    return;
  }
  let firstRow = index / params.columnGroups % params.rowGroups * TILE_ROWS;
  let firstVector = index % params.columnGroups * TILE_VECTORS;
  var sums: array<vec4<f32>, 4>;
  for (var segment = 0u; segment < params.segments; segment++) {
    for (var depth = 0u; depth < params.depth; depth += TILE_DEPTH) {
      loadTiles(batch, segment, depth, firstRow, firstVector, thread);
      workgroupBarrier();
      for (var d = 0u; d < TILE_DEPTH; d++) {
        let right = bTile[d][local.x];
        for (var r = 0u; r < 4u; r++) {
          sums[r] += aTile[d][4u * local.y + r] * right;
        }
      }
      workgroupBarrier();
    }
  }
  for (var r = 0u; r < 4u; r++) {
    writeY(batch, firstRow + 4u * local.y + r, firstVector + local.x, sums[r]);
  }
}
