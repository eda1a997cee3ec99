import { counted } from "../../lib/base/counted.ts";

const KIB = 1024;

/** A number of bytes for people: `12 bytes`, `3.4 KiB`, `5.6 MiB`, `7.8 GiB`. */
export function sizeText(bytes: number): string {
  if (bytes < KIB) return counted(bytes, "byte");
  const [size, unit] = bytes < KIB ** 2 ? [KIB, "KiB"] : bytes < KIB ** 3 ? [KIB ** 2, "MiB"] : [KIB ** 3, "GiB"];
  return `${(bytes / size).toFixed(1)} ${unit}`;
}
