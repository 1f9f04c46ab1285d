import { PbfWriter } from 'pbf';

/**
 * Writes small ONNX models (https://onnx.ai, onnx.proto3), as much of the format as the benchmark's graphs need. Numbers
 * in the calls below are the field numbers of that schema.
 */

/** A constant of the model. */
export interface Initialiser {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

export type Attribute = number | readonly number[] | string;

export interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** An input or output of the graph: float32, or int32 where it says so. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly integers?: boolean;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly initialisers: readonly Initialiser[];
}

const elementType = { float: 1, int32: 6 };
const attributeType = { int: 2, string: 3, ints: 7 };
/** Version 8 of the format and 17 of the operators: onnxruntime has read them since 2022. */
const formatVersion = 8;
const operatorVersion = 17;

function writeAttribute([name, value]: readonly [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, attributeType.int);
  } else if (typeof value === 'string') {
    pbf.writeBytesField(4, new TextEncoder().encode(value));
    pbf.writeVarintField(20, attributeType.string);
  } else {
    for (const one of value) pbf.writeVarintField(8, one);
    pbf.writeVarintField(20, attributeType.ints);
  }
}

function writeNode({ operator, inputs, outputs, attributes = {} }: Node, pbf: PbfWriter): void {
  for (const name of inputs) pbf.writeStringField(1, name);
  for (const name of outputs) pbf.writeStringField(2, name);
  pbf.writeStringField(4, operator);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry);
}

function writeInitialiser({ name, shape, data }: Initialiser, pbf: PbfWriter): void {
  for (const side of shape) pbf.writeVarintField(1, side);
  pbf.writeVarintField(2, data instanceof Int32Array ? elementType.int32 : elementType.float);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeShape(shape: readonly number[], pbf: PbfWriter): void {
  for (const side of shape)
    pbf.writeMessage(1, (value: number, dimension) => dimension.writeVarintField(1, value), side);
}

function writeTensorType({ shape, integers }: Value, pbf: PbfWriter): void {
  pbf.writeVarintField(1, integers ? elementType.int32 : elementType.float);
  pbf.writeMessage(2, writeShape, shape);
}

function writeValue(value: Value, pbf: PbfWriter): void {
  pbf.writeStringField(1, value.name);
  pbf.writeMessage(2, (inner: Value, type) => type.writeMessage(1, writeTensorType, inner), value);
}

function writeGraph({ nodes, inputs, outputs, initialisers }: Graph, pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, 'benchmark');
  for (const initialiser of initialisers) pbf.writeMessage(5, writeInitialiser, initialiser);
  for (const value of inputs) pbf.writeMessage(11, writeValue, value);
  for (const value of outputs) pbf.writeMessage(12, writeValue, value);
}

/** The bytes of a model file. */
export function onnxModel(graph: Graph): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, formatVersion);
  pbf.writeMessage(7, writeGraph, graph);
  pbf.writeMessage(
    8,
    (version: number, operators) => operators.writeVarintField(2, version),
    operatorVersion,
  );
  return pbf.finish();
}
