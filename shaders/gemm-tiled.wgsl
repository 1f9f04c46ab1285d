// The product of gemm.wgsl for hardware GPUs: a workgroup keeps a tile of y and passes tiles of `a` and `b` through
// workgroup memory. While it multiplies one pair of tiles, the next is on its way from memory to registers.
const THREADS: u32 = 16u;
// What an invocation computes: rows × vectors of four columns.
const THREAD_ROWS: u32 = 4u;
const THREAD_VECTORS: u32 = 1u;
const TILE_DEPTH: u32 = 16u;
// Workgroups that share the inner dimension of one tile of y; each writes its part of the sum as a batch of its own.
const SPLITS: u32 = 1u;
const GUARDED: bool = false;

const TILE_ROWS: u32 = THREADS * THREAD_ROWS;
const TILE_VECTORS: u32 = THREADS * THREAD_VECTORS;
const QUADS: u32 = TILE_DEPTH / 4u;
const LOADS_A: u32 = TILE_ROWS * QUADS / (THREADS * THREADS);
const LOADS_B: u32 = TILE_VECTORS * TILE_DEPTH / (THREADS * THREADS);

// By depth, then rows, with two more so that what neighbours store lies in different banks; by depth, then columns.
var<workgroup> aTile: array<array<f32, TILE_ROWS + 2u>, TILE_DEPTH>;
var<workgroup> bTile: array<array<vec4<f32>, TILE_VECTORS>, TILE_DEPTH>;

// All from here to writeSum is replaced by gemm-operands.wgsl, which explains it.
struct Params {
  batches: u32,
  rows: u32,
  columns: u32,
  segments: u32,
  depth: u32,
  rowGroups: u32,
  columnGroups: u32,
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

fn loadA(start: u32, depth: u32) -> vec4<f32> {
  return vec4<f32>();
}

fn columnStart(batch: u32, segment: u32, vector: u32) -> u32 {
  return vector;
}

fn readB(start: u32, vector: u32) -> vec4<f32> {
  return vec4<f32>();
}

fn storeY(at: u32, count: u32, value: vec4<f32>) {
}

fn writeY(batch: u32, row: u32, vector: u32, sum: vec4<f32>) {
}

// To y, or to its place among the parts.
fn writeSum(part: u32, row: u32, vector: u32, sum: vec4<f32>) {
  let vectors = (params.columns + 3u) / 4u;
  if (SPLITS == 1u) {
    writeY(part, row, vector, sum);
  } else if (row < params.rows && vector < vectors) {
    storeY((part * params.rows + row) * vectors + vector, 4u, sum);
  }
}

// What an invocation has read of the next pair of tiles.
struct Fetched {
  a: array<vec4<f32>, LOADS_A>,
  b: array<vec4<f32>, LOADS_B>,
}

// Reads from `depth` of the segment on; past its end, and where a row starts nowhere, zeros.
fn fetch(batch: u32, segment: u32, depth: u32, firstRow: u32, firstVector: u32, thread: u32) -> Fetched {
  var fetched: Fetched;
  let d = depth + thread % QUADS * 4u;
  for (var i = 0u; i < LOADS_A; i++) {
    let r = firstRow + thread / QUADS + i * (THREADS * THREADS / QUADS);
    let start = segmentStart(rowOf(batch, min(r, params.rows - 1u)), segment);
    if (d < params.depth && !(GUARDED && start < 0)) {
      let there = vec4<u32>(d) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.depth);
      fetched.a[i] = select(vec4<f32>(), loadA(u32(start), d), there);
    }
  }
  for (var i = 0u; i < LOADS_B; i++) {
    let e = depth + thread / TILE_VECTORS + i * (THREADS * THREADS / TILE_VECTORS);
    if (e < params.depth) {
      let start = columnStart(batch, segment, firstVector) + e * params.bDepth;
      fetched.b[i] = readB(start, thread % TILE_VECTORS);
    }
  }
  return fetched;
}

fn store(fetched: Fetched, thread: u32) {
  for (var i = 0u; i < LOADS_A; i++) {
    let r = thread / QUADS + i * (THREADS * THREADS / QUADS);
    for (var c = 0u; c < 4u; c++) {
      aTile[thread % QUADS * 4u + c][r] = fetched.a[i][c];
    }
  }
  for (var i = 0u; i < LOADS_B; i++) {
    bTile[thread / TILE_VECTORS + i * (THREADS * THREADS / TILE_VECTORS)][thread % TILE_VECTORS] = fetched.b[i];
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
  let part = index / (params.rowGroups * params.columnGroups);
  // The grid is folded, so it may have more workgroups than there are tiles. All of one agree, so the barriers are safe.
  if (part >= params.batches * SPLITS) {
    return;
  }
  let batch = part / SPLITS;
  let firstRow = index / params.columnGroups % params.rowGroups * TILE_ROWS;
  let firstVector = index % params.columnGroups * TILE_VECTORS;
  let stepsPerSegment = (params.depth + TILE_DEPTH - 1u) / TILE_DEPTH;
  let steps = params.segments * stepsPerSegment;
  let firstStep = steps * (part % SPLITS) / SPLITS;
  let endStep = steps * (part % SPLITS + 1u) / SPLITS;
  var sums: array<array<vec4<f32>, THREAD_VECTORS>, THREAD_ROWS>;
  var fetched: Fetched;
  if (firstStep < endStep) {
    let depth = firstStep % stepsPerSegment * TILE_DEPTH;
    fetched = fetch(batch, firstStep / stepsPerSegment, depth, firstRow, firstVector, thread);
  }
  for (var step = firstStep; step < endStep; step++) {
    store(fetched, thread);
    workgroupBarrier();
    if (step + 1u < endStep) {
      let depth = (step + 1u) % stepsPerSegment * TILE_DEPTH;
      fetched = fetch(batch, (step + 1u) / stepsPerSegment, depth, firstRow, firstVector, thread);
    }
    for (var d = 0u; d < TILE_DEPTH; d++) {
      var right: array<vec4<f32>, THREAD_VECTORS>;
      for (var v = 0u; v < THREAD_VECTORS; v++) {
        right[v] = bTile[d][local.x + v * THREADS];
      }
      for (var r = 0u; r < THREAD_ROWS; r++) {
        let left = aTile[d][local.y * THREAD_ROWS + r];
        for (var v = 0u; v < THREAD_VECTORS; v++) {
          sums[r][v] += left * right[v];
        }
      }
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < THREAD_ROWS; r++) {
    for (var v = 0u; v < THREAD_VECTORS; v++) {
      writeSum(part, firstRow + local.y * THREAD_ROWS + r, firstVector + local.x + v * THREADS, sums[r][v]);
    }
  }
}
