/** Sets these faults at a harbor (harbor/http/faults.ts), and clears all others. */
export async function setHarborFaults(harbor: { url: string; token: string }, ...faults: object[]): Promise<void> {
  for (const request of [{ method: "DELETE" }, { method: "POST", body: JSON.stringify({ faults }) }]) {
    const headers = { authorization: `Bearer ${harbor.token}` };
    const reply = await fetch(`${harbor.url}/__harbor/faults`, { ...request, headers, signal: AbortSignal.timeout(30_000) });
    if (!reply.ok) throw new Error(`faults: ${reply.status} ${await reply.text()}`);
  }
}
