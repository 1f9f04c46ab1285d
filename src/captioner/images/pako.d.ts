/** The part of pako that is used; it brings no types. */
declare module 'pako' {
  export class Inflate {
    constructor(options: { readonly windowBits: number });
    /** 0 while all is well. */
    readonly err: number;
    readonly msg: string;
    readonly ended: boolean;
    onData: (chunk: Uint8Array) => void;
    push(data: Uint8Array): boolean;
  }
}
