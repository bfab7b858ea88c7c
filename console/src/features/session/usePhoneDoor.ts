import { useNavigate } from "@tanstack/react-router";
import { useParam } from "@/lib/useParam";
import { useMediaQuery } from "@/ui";

/** Where the simulated phone is: docked beside the page when there is room, else a page of its own. */
export function usePhoneDoor(): {
  shown: string;
  isDocked: boolean;
  open: (waId?: string) => void;
  close: () => void;
  toggle: () => void;
} {
  const [shown, setShown] = useParam("phone");
  const navigate = useNavigate();
  const roomy = useMediaQuery("(min-width: 1081px)", true, { getInitialValueInEffect: false });
  const open = (waId = "on") => {
    if (roomy) setShown(waId);
    else void navigate({ to: "/phone", search: (waId === "on" ? {} : { phone: waId }) as never });
  };
  const close = () => setShown(null);
  const isDocked = roomy && shown !== "";
  return { shown, isDocked, open, close, toggle: () => (isDocked ? close() : open()) };
}
