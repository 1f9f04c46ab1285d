/**
 * The part of jsfive that the Keras reader uses. `_dataobjects` is an internal of it, needed because `Dataset.value`
 * copies into a plain Array: the LSTM kernel of a full-size decoder (51 million numbers) is past the 32 million
 * elements at which V8 turns such an array into a hash table.
 */
declare module 'jsfive' {
  export interface DataObjects {
    readonly chunks: number[] | null;
    readonly shape: number[];
    find_msg_type(type: number): Map<string, number>[];
    _attr_value(dtype: unknown, buffer: ArrayBuffer, count: number, offset: number): unknown[];
    _get_data_message_properties(
      offset: number,
    ): [version: number, dims: number, layout: number, properties: number];
  }

  export class Group {
    readonly name: string;
    readonly keys: string[];
    readonly attrs: Record<string, unknown>;
    readonly _dataobjects: DataObjects;
    get(path: string): Group | Dataset | null;
  }

  export class File extends Group {
    constructor(bytes: ArrayBuffer, name?: string);
  }

  export class Dataset {
    readonly name: string;
    readonly shape: number[];
    /** As numpy writes it, such as `<f4`; an array for references and strings of varying length. */
    readonly dtype: string | unknown[];
    readonly value: (number | undefined)[];
    readonly _dataobjects: DataObjects;
  }
}
