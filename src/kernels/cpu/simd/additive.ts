// biome-ignore lint/style/useImportType: AssemblyScript has no import of types alone
import { Tanh } from './activation';
import { chosen, sumOfLanes } from './chosen';
import { multiplyAdd } from './multiply-add';

/** Rows from … to of the scores [rows, places] of additive attention: score · tanh(key + query). */
export function additiveScores(
  keys: usize,
  queries: usize,
  score: usize,
  choice: usize,
  y: usize,
  grids: i32,
  places: i32,
  units: i32,
  from: i32,
  to: i32,
): void {
  const bytes = (<usize>units) << 2;
  for (let row = from; row < to; row++) {
    const target = y + ((<usize>row * places) << 2);
    const grid = chosen(choice, row, grids);
    if (grid < 0) {
      memory.fill(target, 0, (<usize>places) << 2);
      continue;
    }
    let key = keys + <usize>grid * places * bytes;
    for (let place = 0; place < places; place++) {
      store<f32>(target + ((<usize>place) << 2), scoreOf(key, queries + <usize>row * bytes, score, units));
      key += bytes;
    }
  }
}

function scoreOf(key: usize, query: usize, score: usize, count: i32): f32 {
  const tanh = changetype<Tanh>(0);
  let left = f32x4.splat(0);
  let right = f32x4.splat(0);
  for (; count >= 8; count -= 8) {
    const first = tanh.apply(f32x4.add(v128.load(key), v128.load(query)));
    const second = tanh.apply(f32x4.add(v128.load(key, 16), v128.load(query, 16)));
    left = multiplyAdd(first, v128.load(score), left);
    right = multiplyAdd(second, v128.load(score, 16), right);
    key += 32;
    query += 32;
    score += 32;
  }
  let sum = sumOfLanes(f32x4.add(left, right));
  for (; count > 0; count--) {
    const x = f32x4.add(v128.load32_splat(key), v128.load32_splat(query));
    sum += load<f32>(score) * f32x4.extract_lane(tanh.apply(x), 0);
    key += 4;
    query += 4;
    score += 4;
  }
  return sum;
}

/**
 * Gradients of the keys [grids, places, units] of the grids from … to, and of queries and score [rows, units] of the rows
 * that look at them. The grid after the last is that of the rows that look at none.
 */
export function additiveScoresGradient(
  keys: usize,
  queries: usize,
  score: usize,
  choice: usize,
  g: usize,
  dKeys: usize,
  dQueries: usize,
  dScore: usize,
  grids: i32,
  places: i32,
  units: i32,
  rows: i32,
  from: i32,
  to: i32,
): void {
  const bytes = (<usize>units) << 2;
  for (let grid = from; grid < to; grid++) {
    const none = grid === grids;
    const offset = <usize>grid * places * bytes;
    if (!none) memory.fill(dKeys + offset, 0, <usize>places * bytes);
    for (let row = 0; row < rows; row++) {
      if (chosen(choice, row, grids) !== (none ? -1 : grid)) continue;
      const query = <usize>row * bytes;
      memory.fill(dQueries + query, 0, bytes);
      memory.fill(dScore + query, 0, bytes);
      for (let place = 0; !none && place < places; place++) {
        const at = offset + <usize>place * bytes;
        const slope = load<f32>(g + ((<usize>(row * places + place)) << 2));
        addPlace(
          keys + at,
          queries + query,
          score,
          slope,
          dKeys + at,
          dQueries + query,
          dScore + query,
          units,
        );
      }
    }
  }
}

function addPlace(
  key: usize,
  query: usize,
  score: usize,
  slope: f32,
  dKey: usize,
  dQuery: usize,
  dScore: usize,
  count: i32,
): void {
  const tanh = changetype<Tanh>(0);
  const slopes = f32x4.splat(slope);
  for (; count >= 4; count -= 4) {
    const t = tanh.apply(f32x4.add(v128.load(key), v128.load(query)));
    const through = tanh.through(t, f32x4.mul(slopes, v128.load(score)));
    v128.store(dKey, f32x4.add(v128.load(dKey), through));
    v128.store(dQuery, f32x4.add(v128.load(dQuery), through));
    v128.store(dScore, multiplyAdd(slopes, t, v128.load(dScore)));
    key += 16;
    query += 16;
    score += 16;
    dKey += 16;
    dQuery += 16;
    dScore += 16;
  }
  for (; count > 0; count--) {
    const x = f32x4.add(v128.load32_splat(key), v128.load32_splat(query));
    const t = f32x4.extract_lane(tanh.apply(x), 0);
    const through = slope * load<f32>(score) * (1 - t * t);
    store<f32>(dKey, load<f32>(dKey) + through);
    store<f32>(dQuery, load<f32>(dQuery) + through);
    store<f32>(dScore, load<f32>(dScore) + slope * t);
    key += 4;
    query += 4;
    score += 4;
    dKey += 4;
    dQuery += 4;
    dScore += 4;
  }
}
