import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { create } from 'webgpu';
import { foldGrid, linearGrid } from '../src/kernels/grid.ts';
import type { AdapterFacts, OpDefinition, OpName } from '../src/kernels/op.ts';
import { opTable } from '../src/kernels/op-table.ts';

const files = readdirSync('shaders').filter((name) => name.endsWith('.wgsl'));

const software: AdapterFacts = {
  vendor: 'none',
  architecture: '',
  description: 'an adapter of the tests',
  cpuLike: true,
  features: new Set(),
  maxWorkgroupsPerDimension: 65535,
  maxInvocationsPerWorkgroup: 256,
  maxWorkgroupStorageBytes: 16384,
  maxBufferBytes: 2 ** 28,
};
const hardware: AdapterFacts = { ...software, cpuLike: false };

/** What Dawn's front end finds wrong in a source. */
async function complaints(gpu: GPU, sources: readonly string[]): Promise<string[][]> {
  const adapter = await gpu.requestAdapter();
  assert.ok(adapter, "Dawn's null backend gives no adapter");
  const device = await adapter.requestDevice();
  const found: string[][] = [];
  for (const code of sources) {
    device.pushErrorScope('validation');
    const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
    await device.popErrorScope();
    found.push(messages.map(({ lineNum, message }) => `line ${lineNum}: ${message}`));
  }
  device.destroy();
  return found;
}

test("every shader is valid on its own, by Dawn's null backend", async () => {
  const gpu = create(['backend=null']);
  const sources = files.map((name) => readFileSync(`shaders/${name}`, 'utf8'));
  const found = await complaints(gpu, [...sources, 'fn main() { let x: u32 = 1.5; }']);
  assert.is(found.pop()?.length, 1, 'the check itself misses a wrong shader');
  assert.equal(
    Object.fromEntries(
      files.map((name, index) => [name, found[index]]).filter(([, messages]) => messages.length),
    ),
    {},
  );
});

test('every launch names a shader file, is pure, and no file is unused', () => {
  const used = new Set<string>();
  for (const op of Object.keys(opTable) as OpName[]) {
    const definition = opTable[op] as OpDefinition<unknown>;
    for (const { inputs: samples, attributes } of definition.samples()) {
      const inputs = samples.map(({ shape, dtype }) => ({ shape, dtype }));
      const outputs = definition.infer(inputs, attributes);
      for (const adapter of [software, hardware]) {
        const call = { inputs, outputs, attributes, adapter };
        for (const variant of definition.variants?.(call) ?? ['default']) {
          const launches = definition.wgsl(call, variant);
          assert.equal(
            definition.wgsl(call, variant),
            launches,
            `${op} gives other launches the second time`,
          );
          for (const { shader, hooks = [] } of launches) {
            assert.ok(files.includes(`${shader.name}.wgsl`), `${op}: no file shaders/${shader.name}.wgsl`);
            used.add(shader.name);
            for (const { name } of hooks) used.add(name);
          }
        }
      }
    }
  }
  assert.equal(
    files.filter((name) => !used.has(name.replace('.wgsl', ''))),
    [],
  );
});

test('a grid folds what one dimension cannot hold, and covers every element', () => {
  assert.equal(linearGrid(1, 64, software), [1, 1, 1]);
  assert.equal(linearGrid(65535 * 64, 64, software), [65535, 1, 1]);
  for (const workgroups of [65536, 100_001, 65535 * 65535]) {
    const [x, y, z] = foldGrid(workgroups, software);
    assert.ok(x <= 65535 && y <= 65535 && z === 1, `${x} × ${y} × ${z}`);
    assert.ok(x * y >= workgroups && x * y - workgroups < y, `${x} × ${y} for ${workgroups}`);
  }
});

test.run();
