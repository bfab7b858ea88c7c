import { useEffect } from "react";
import { useParam } from "@/lib/useParam";
import { useLocalStorage } from "@/ui";
import { usePeople } from "./api";

/** A number of the range that no telephone has: +44 7700 900000 to 900999. */
export const newNumber = (): string => `447700900${String(Math.floor(Math.random() * 1000)).padStart(3, "0")}`;

/** Who is played: in the address, else whoever was played last, else the first person. */
export function usePlayer(sender: string): {
  waId: string;
  play: (waId: string) => void;
  people: ReturnType<typeof usePeople>;
} {
  const [asked, setAsked] = useParam("phone");
  const [last, setLast] = useLocalStorage({ key: `sojourn-phone-${sender}`, defaultValue: "" });
  const people = usePeople(sender);
  const known = people.data ?? [];
  const named = /^\d+$/.test(asked) ? asked : "";
  const kept = known.some((person) => person.wa_id === last) ? last : "";
  const waId = named || kept || (known[0]?.wa_id ?? "");
  useEffect(() => {
    if (named) setLast(named);
  }, [named, setLast]);
  return { waId, play: setAsked, people };
}
