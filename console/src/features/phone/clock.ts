import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { post } from "@/lib/http";
import { notifications } from "@/ui";

/** Push the simulator's clock, from anywhere. */
export function useAdvanceClock(sender: string | null) {
  const cache = useQueryClient();
  const { t } = useTranslation();
  return useMutation({
    mutationFn: (seconds: number) => post(`/v1/simulator/${sender}/clock`, { advance_seconds: seconds }),
    onSuccess: () => {
      notifications.show({ message: t("palette.jumped") });
      void cache.invalidateQueries();
    },
  });
}
