type Harbor = { url: string; token: string };

/** Sets these faults at a harbor (harbor/http/faults.ts), and clears all others. */
export async function setHarborFaults(harbor: Harbor, ...faults: object[]): Promise<void> {
  await ask(harbor, "faults", { method: "DELETE" });
  await ask(harbor, "faults", { method: "POST", body: JSON.stringify({ faults }) });
}

/** Sets what the account of a harbor may do (harbor/sprites/account.ts). */
export const setHarborAccount = (harbor: Harbor, limits: object): Promise<void> =>
  ask(harbor, "account", { method: "POST", body: JSON.stringify(limits) });

async function ask({ url, token }: Harbor, what: string, request: RequestInit): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${url}/__harbor/${what}`, { ...request, headers, signal: AbortSignal.timeout(30_000) });
  if (!reply.ok) throw new Error(`${what}: ${reply.status} ${await reply.text()}`);
}
