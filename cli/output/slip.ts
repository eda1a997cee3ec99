/**
 * What `parseArgs` of Node says of a wrong option, without its advice on how arguments are escaped: "unknown option
 * '--shipz'".
 */
export const slip = ({ message }: Error): string => {
  const [first = ""] = message.split(". ");
  return first.charAt(0).toLowerCase() + first.slice(1);
};
