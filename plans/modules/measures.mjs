// The modules of the repository that the plan of this folder is for. generate.mjs makes the tasks of them, and
// repository.mjs the files. `units` are factors; `over` are the two modules that a ratio is made of; `sample` is a value,
// its unit, another unit, and the value in that.
export const measures = {
  length: { units: { m: 1, km: 1000, nm: 1852 }, sample: [1, "nm", "km", 1.852] },
  mass: { units: { kg: 1, t: 1000 }, sample: [2, "t", "kg", 2000] },
  time: { units: { s: 1, min: 60, h: 3600 }, sample: [2, "h", "min", 120] },
  area: { units: { m2: 1, ha: 10000 }, sample: [3, "ha", "m2", 30000] },
  volume: { units: { l: 1, m3: 1000 }, sample: [2, "m3", "l", 2000] },
  energy: { units: { J: 1, kWh: 3600000 }, sample: [2, "kWh", "J", 7200000] },
  power: { units: { W: 1, kW: 1000 }, sample: [1500, "W", "kW", 1.5] },
  pressure: { units: { Pa: 1, bar: 100000 }, sample: [3, "bar", "Pa", 300000] },
  force: { units: { N: 1, kN: 1000 }, sample: [4, "kN", "N", 4000] },
  angle: { units: { deg: 1, turn: 360 }, sample: [90, "deg", "turn", 0.25] },
  data: { units: { B: 1, KiB: 1024 }, sample: [4, "KiB", "B", 4096] },
  voltage: { units: { V: 1, kV: 1000 }, sample: [5, "kV", "V", 5000] },
  speed: { over: ["length", "time"], sample: [10, "nm/h", "km/h", 18.52] },
  flow: { over: ["volume", "time"], sample: [60, "l/min", "m3/h", 3.6] },
  density: { over: ["mass", "volume"], sample: [2, "t/m3", "kg/l", 2] },
  load: { over: ["force", "area"], sample: [5, "kN/m2", "N/m2", 5000] },
};
