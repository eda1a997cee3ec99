/** Ships may be called by their number: `0` is `ship-0`. */
export const shipNamed = (text: string): string => (/^\d+$/.test(text) ? `ship-${text}` : text);
export const looksLikeShip = (text: string): boolean => /^(ship-)?\d+$/.test(text);
