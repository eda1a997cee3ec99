/**
 * Checks Tailscale's signatures of what it distributes, in the way of its own `tailscale update` (Go package
 * tailscale.com/clientupdate/distsign): root keys sign the bundle of signing keys, and one of these signs a file's
 * BLAKE2s-256 and its length.
 */
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, verify } from "node:crypto";
import { createReadStream } from "node:fs";
import { answerOf } from "./release.mjs";

/**
 * The vendor's root keys: both files of that package's `roots/` in tailscale.com v1.94.1, whose digest
 * tools/go/tailnet/go.sum pins.
 */
export const ROOTS = `-----BEGIN ROOT PUBLIC KEY-----
Psrabv2YNiEDhPlnLVSMtB5EKACm7zxvKxfvYD4i7X8=
-----END ROOT PUBLIC KEY-----
-----BEGIN ROOT PUBLIC KEY-----
ZjjKhUHBtLNRSO1dhOTjrXJGJ8lDe1594WM2XDuheVQ=
-----END ROOT PUBLIC KEY-----
`;

/**
 * Rejects unless `file` is what was signed as `path` of the server at `base`, by a key that one of `roots` (PEM) has
 * signed.
 */
export async function checkSignature(base, path, file, roots = ROOTS) {
  const [keys, keysSignature, signature] = await Promise.all([
    answerOf(`${base}/distsign.pub`),
    answerOf(`${base}/distsign.pub.sig`),
    answerOf(`${base}/${path}.sig`),
  ]);
  if (!isSigned(keys, keysSignature, keysIn(roots, "ROOT PUBLIC KEY")))
    throw new Error(`${base}/distsign.pub is signed by no root key of Tailscale's: not used`);
  const hash = createHash("blake2s256");
  let size = 0n;
  for await (const chunk of createReadStream(file)) {
    hash.update(chunk);
    size += BigInt(chunk.length);
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(size);
  if (!isSigned(Buffer.concat([hash.digest(), length]), signature, keysIn(keys.toString("latin1"), "SIGNING PUBLIC KEY")))
    throw new Error(`${base}/${path} is signed by no signing key that Tailscale has today: not used`);
}

const isSigned = (message, signature, keys) => keys.some((key) => verify(null, message, key, signature));

/**
 * Reads the keys of blocks of PEM, each the bare 32 bytes of an Ed25519 key: a format that Node does not read by
 * itself.
 */
function keysIn(pem, type) {
  const blocks = pem.matchAll(new RegExp(`-----BEGIN ${type}-----\\s+([\\w+/=]+)\\s+-----END ${type}-----`, "g"));
  return Array.from(blocks, ([, base64]) => {
    const x = Buffer.from(base64, "base64").toString("base64url");
    return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  });
}
