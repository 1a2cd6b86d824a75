// Numbers, times and names as people read them.

const THIN = " ";

export function count(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** 3 h 12 min; 4.2 s. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Place in a recording: 1:02:03.45, days before it. */
export function clock(seconds: number, digits = 2): string {
  const sign = seconds < 0 ? "-" : "";
  const units = Math.round(Math.abs(seconds) * 10 ** digits);
  const whole = Math.floor(units / 10 ** digits);
  const part = digits ? `.${String(units % 10 ** digits).padStart(digits, "0")}` : "";
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = days ? `${days} d ` : "";
  return `${sign}${day}${days || hours ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}${part}`;
}

export function percent(value: number | null | undefined, digits = 0): string {
  return value === null || value === undefined || Number.isNaN(value)
    ? "–"
    : `${(100 * value).toFixed(digits)}${THIN}%`;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** What is shown of an animal: its name, or its track. */
export function nameOf(animal: { name: string | null; track: number; added?: string | null }): string {
  if (animal.name !== null) return animal.name;
  return animal.track < 0 ? (animal.added ? "added" : "no track") : `track ${animal.track}`;
}

/** A frame's number, or a time like 1:02:03.5, as a frame. */
export function readPlace(text: string, fps: number): number | null {
  const plain = text.replace(/[\s,_]/g, "");
  if (/^\d+$/.test(plain)) return Number(plain);
  const parts = plain.split(":").map(Number);
  if (parts.length < 2 || parts.some(Number.isNaN)) return null;
  return Math.round(parts.reduce((sum, one) => 60 * sum + one, 0) * fps);
}
