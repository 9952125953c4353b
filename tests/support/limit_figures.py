"""The figures of the national standards, typed once more from their sources, beside the files that ship them.

A typing error in one of the two is found by comparing them. A line is ``parameter | unit | figures |
certainty``; a figure is a place and a bound. The place is the averaging period of air, the column of other
media, or ``all`` (every column). A bound is a maximum (``350``), a minimum (``>6``) or a band (``6-9``);
``@7`` is the reference oxygen in volume percent. A line in brackets names the categories of those below it.
Certainty: H the text itself or a careful transcription, M a secondary source, L a weak one, U none.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """What one standard says."""

    read_in: str
    """Where the figures were read."""
    lines: str
    begins: str = ""
    """Date in Vietnam; empty = not known."""
    ends: str = ""
    """For facilities that did not exist before this date."""
    goes_on_until: str = ""
    """For those that existed."""


FIGURES = {
    "QCVN 05:2013/BTNMT": Figures(
        "Circular 32/2013/TT-BTNMT, table 1; compared with a public text",
        """
        SO2   | µg/m3 | hour 350, day 125, year 50   | H
        CO    | µg/m3 | hour 30000, 8h 10000         | H
        NO2   | µg/m3 | hour 200, day 100, year 40   | H
        O3    | µg/m3 | hour 200, 8h 120             | H
        TSP   | µg/m3 | hour 300, day 200, year 100  | H
        PM10  | µg/m3 | day 150, year 50             | H
        PM2.5 | µg/m3 | day 50, year 25              | H
        Pb    | µg/m3 | day 1.5, year 0.5            | H
        """,
        ends="2023-09-12",
    ),
    "QCVN 05:2023/BTNMT": Figures(
        "Circular 01/2023/TT-BTNMT, tables 1 and 2; M: a transcription of a provincial copy of the circular",
        """
        SO2   | µg/m3 | hour 350, day 125, year 50   | H
        CO    | µg/m3 | hour 30000, 8h 10000         | H
        NO2   | µg/m3 | hour 200, day 100, year 40   | H
        O3    | µg/m3 | hour 200, 8h 120             | H
        TSP   | µg/m3 | hour 300, day 200, year 100  | H
        PM10  | µg/m3 | day 100, year 50             | H
        PM2.5 | µg/m3 | day 50 until 2026-01-01, day 45 from 2026-01-01, year 25 | H
        Pb    | µg/m3 | day 1.5                      | H
        H2S   | µg/m3 | hour 42                      | H
        NH3   | µg/m3 | hour 200                     | H
        Benzene  | µg/m3 | hour 22                   | H
        Toluene  | µg/m3 | hour 500                  | H
        Xylene   | µg/m3 | hour 1000                 | H
        Styrene  | µg/m3 | day 260                   | H
        HF    | µg/m3 | hour 20, day 5               | H
        Cl2   | µg/m3 | hour 100, day 30             | H
        HCl   | µg/m3 | day 60                       | H
        Hg    | ng/m3 | day 300                      | H
        Cd    | µg/m3 | hour 0.4, 8h 0.2             | H
        As    | µg/m3 | hour 0.03                    | H
        Formaldehyde      | µg/m3 | hour 20          | H
        CxHy              | µg/m3 | hour 5000, day 1500 | H
        Phenol            | µg/m3 | hour 10          | H
        Vinyl chloride    | µg/m3 | day 26           | H
        Acrylonitrile     | µg/m3 | day 45           | H
        Tetrachloroethene | µg/m3 | day 100          | H
        AsH3         | µg/m3 | hour 0.3              | M
        HCN          | µg/m3 | hour 10               | M
        Acrolein     | µg/m3 | hour 50               | M
        Acetaldehyde | µg/m3 | hour 45               | M
        Ni           | µg/m3 | day 1                 | M
        NaOH         | µg/m3 | day 10                | M
        Chloroform   | µg/m3 | day 16                | M
        HNO3         | µg/m3 | hour 400, day 150     | M
        H2SO4        | µg/m3 | hour 300, day 50      | M
        SiO2         | µg/m3 | hour 150, day 50      | M
        Cr6+         | µg/m3 | hour 0.007, day 0.003 | M
        MnO2         | µg/m3 | hour 10, day 8        | M
        Aniline      | µg/m3 | hour 50, day 30       | M
        Mercaptan    | µg/m3 | hour 50, day 20       | M
        Naphthalene    | µg/m3 | 8h 500, day 120     | M
        Propionic acid | µg/m3 | 8h 300              | M
        """,
        begins="2023-09-12",
    ),
    "QCVN 08-MT:2015/BTNMT": Figures(
        "the settings of the national software; compared with a public text",
        """
        pH       |            | A1 6-8.5, A2 6-8.5, B1 5.5-9, B2 5.5-9     | M
        DO       | mg/L       | A1 >6, A2 >5, B1 >4, B2 >2                 | M
        BOD      | mg/L       | A1 4, A2 6, B1 15, B2 25                   | M
        COD      | mg/L       | A1 10, A2 15, B1 30, B2 50                 | M
        TSS      | mg/L       | A1 20, A2 30, B1 50, B2 100                | M
        NH4-N    | mg/L       | A1 0.3, A2 0.3, B1 0.9, B2 0.9             | M
        NO3-N    | mg/L       | A1 2, A2 5, B1 10, B2 15                   | M
        PO4-P    | mg/L       | A1 0.1, A2 0.2, B1 0.3, B2 0.5             | M
        Coliform | MPN/100mL  | A1 2500, A2 5000, B1 7500, B2 10000        | M
        Fe       | mg/L       | A1 0.5, A2 1, B1 1.5, B2 2                 | M
        Mn       | mg/L       | A1 0.1, A2 0.2, B1 0.5, B2 1               | M
        Pb       | mg/L       | A1 0.02, A2 0.02, B1 0.05, B2 0.05         | M
        As       | mg/L       | A1 0.01, A2 0.02, B1 0.05, B2 0.1          | M
        Cd       | mg/L       | A1 0.005, A2 0.005, B1 0.01, B2 0.01       | M
        Hg       | mg/L       | A1 0.001, A2 0.001, B1 0.001, B2 0.002     | M
        """,
        ends="2023-09-12",
    ),
    "QCVN 08:2023/BTNMT": Figures(
        "table 1: two transcriptions; tables 2 and 3: an English text, in which some cells are hidden",
        """
        NO2-N | mg/L | all 0.05   | M
        NH4-N | mg/L | all 0.3    | M
        Cl-   | mg/L | all 250    | M
        F-    | mg/L | all 1      | M
        CN    | mg/L | all 0.01   | M
        As    | mg/L | all 0.01   | M
        Cd    | mg/L | all 0.005  | M
        Pb    | mg/L | all 0.02   | M
        Cr6+  | mg/L | all 0.01   | M
        Cr    | mg/L | all 0.05   | M
        Cu    | mg/L | all 0.1    | M
        Zn    | mg/L | all 0.5    | M
        Ni    | mg/L | all 0.1    | M
        Mn    | mg/L | all 0.1    | M
        Hg    | mg/L | all 0.001  | M
        Fe    | mg/L | all 0.5    | M
        Sb    | mg/L | all 0.02   | M
        Anionic surfactant | mg/L | all 0.1   | M
        Phenol             | mg/L | all 0.005 | M
        Oil and grease     | mg/L | all 5.0   | M
        Tetrachloroethene  | mg/L | all 0.04  | M
        Benzene            | mg/L | all 0.01  | M
        Chloroform         | mg/L | all 0.08  | M
        Formaldehyde       | mg/L | all 0.5   | M
        [river]
        pH       |           | A 6.5-8.5, B 6.0-8.5, C 6.0-8.5 | M
        BOD      | mg/L      | A 4, B 6, C 10          | M
        COD      | mg/L      | A 10, B 15, C 20        | M
        TOC      | mg/L      | A 4, B 6                | M
        TOC      | mg/L      | C 8                     | L
        TSS      | mg/L      | A 25                    | M
        TSS      | mg/L      | B 100                   | L
        DO       | mg/L      | A >6.0                  | L
        DO       | mg/L      | B >5.0, C >4.0, D >2.0  | M
        TP       | mg/L      | A 0.1, B 0.3, C 0.5     | M
        TN       | mg/L      | A 0.6, B 1.5, C 2.0     | M
        Coliform | MPN/100mL | A 1000, B 5000, C 7500  | M
        Heat-tolerant coliform | MPN/100mL | A 200, B 1000, C 1500 | M
        [lake]
        BOD      | mg/L      | A 4, B 6                | M
        COD      | mg/L      | A 10, B 15              | M
        TOC      | mg/L      | A 4, B 6                | M
        TSS      | mg/L      | A 5, B 15               | M
        DO       | mg/L      | A >6.0, B >5.0          | M
        TP       | mg/L      | A 0.1, B 0.3            | M
        TN       | mg/L      | A 0.6, B 1.5            | M
        Chlorophyll-a | µg/L | A 14                    | M
        Coliform | MPN/100mL | B 5000                  | M
        Heat-tolerant coliform | MPN/100mL | A 200, B 1000 | M
        """,
        begins="2023-09-12",
    ),
    "QCVN 09:2023/BTNMT": Figures(
        "table 1, the first 13 rows of a transcription",
        """
        pH       |           | all 5.8-8.5 | H
        Coliform | MPN/100mL | all 3     | H
        NO3-N    | mg/L      | all 15    | H
        NH4-N    | mg/L      | all 1     | H
        Permanganate index | mg/L | all 4 | H
        TDS      | mg/L      | all 1500  | H
        Hardness | mg/L      | all 500   | H
        As       | mg/L      | all 0.05  | H
        Cl-      | mg/L      | all 250   | H
        NO2-N    | mg/L      | all 1     | H
        F-       | mg/L      | all 1     | H
        SO4      | mg/L      | all 400   | H
        Cd       | mg/L      | all 0.005 | H
        """,
        begins="2023-09-12",
    ),
    "QCVN 19:2009/BTNMT": Figures(
        "column B: the guidelines of lenders; end and transition: Circular 45/2024/TT-BTNMT, Article 3",
        """
        PM  | mg/Nm3 | A 400         | U
        PM  | mg/Nm3 | B 200         | H
        SO2 | mg/Nm3 | A 1500        | U
        SO2 | mg/Nm3 | B 500         | H
        NOx | mg/Nm3 | A 1000        | U
        NOx | mg/Nm3 | B 850         | H
        CO  | mg/Nm3 | A 1000        | U
        CO  | mg/Nm3 | B 1000        | M
        NH3 | mg/Nm3 | A 76, B 50    | U
        H2S | mg/Nm3 | A 7.5, B 7.5  | U
        HCl | mg/Nm3 | A 200, B 50   | U
        HF  | mg/Nm3 | A 50, B 20    | U
        Cl2 | mg/Nm3 | A 32, B 10    | U
        """,
        ends="2025-07-01",
        goes_on_until="2032-01-01",
    ),
    "QCVN 19:2024/BTNMT": Figures(
        "boilers: one public program, with other errors; gas: a page on power plants",
        """
        [biomass-boiler-under-20t]
        PM  | mg/Nm3 | A 40@7, B 50@7, C 60@7    | L
        [biomass-boiler-from-20t]
        PM  | mg/Nm3 | A 30@7, B 40@7, C 50@7    | L
        [biomass-boiler-under-20t, biomass-boiler-from-20t]
        SO2 | mg/Nm3 | A 130@7, B 200@7, C 250@7 | L
        NOx | mg/Nm3 | A 150@7, B 250@7, C 350@7 | L
        CO  | mg/Nm3 | A 200@7, B 300@7, C 350@7 | L
        [gas-above-1200mw]
        SO2 | mg/Nm3 | A 50@15, B 60@15, C 70@15 | M
        NOx | mg/Nm3 | A 50@15, B 70@15, C 90@15 | M
        PM  | mg/Nm3 | A 15@15, B 15@15, C 20@15 | M
        [gas-300-to-1200mw]
        SO2 | mg/Nm3 | A 50@15, B 70@15, C 80@15  | M
        NOx | mg/Nm3 | A 50@15, B 90@15, C 110@15 | M
        PM  | mg/Nm3 | A 15@15, B 15@15, C 20@15  | M
        [gas-up-to-300mw]
        SO2 | mg/Nm3 | A 50@15, B 80@15, C 90@15   | M
        NOx | mg/Nm3 | A 70@15, B 120@15, C 150@15 | M
        PM  | mg/Nm3 | A 15@15, B 15@15, C 20@15   | M
        """,
        begins="2025-07-01",
    ),
    "QCVN 22:2009/BTNMT": Figures(
        "a page on power plants; end and transition: Circular 45/2024/TT-BTNMT, Article 3",
        """
        [gas-turbine]
        PM  | mg/Nm3 | all 50@15  | M
        NOx | mg/Nm3 | all 250@15 | M
        SO2 | mg/Nm3 | all 300@15 | M
        """,
        ends="2025-07-01",
        goes_on_until="2032-01-01",
    ),
    "QCVN 40:2011/BTNMT": Figures(
        "Circular 47/2011/TT-BTNMT, table 1; M: two public transcriptions of it; end and transition: "
        "Circular 06/2025/TT-BTNMT, Article 3",
        """
        Temp     | °C        | A 40, B 40        | M
        Color    | Pt-Co     | A 50, B 150       | M
        pH       |           | A 6-9, B 5.5-9    | H
        BOD      | mg/L      | A 30, B 50        | H
        COD      | mg/L      | A 75, B 150       | H
        TSS      | mg/L      | A 50, B 100       | H
        NH4-N    | mg/L      | A 5, B 10         | H
        NH4      | mg/L      | A 5, B 10         | U
        TN       | mg/L      | A 20, B 40        | M
        TP       | mg/L      | A 4, B 6          | M
        S2-      | mg/L      | A 0.2, B 0.5      | M
        F-       | mg/L      | A 5, B 10         | M
        Cl-      | mg/L      | A 500             | U
        Cl-      | mg/L      | B 1000            | M
        Cl       | mg/L      | A 1, B 2          | M
        Oil      | mg/L      | A 5, B 10         | M
        Coliform | MPN/100mL | A 3000            | L
        Coliform | MPN/100mL | B 5000            | M
        As       | mg/L      | A 0.05, B 0.1     | M
        Hg       | mg/L      | A 0.005, B 0.01   | M
        Pb       | mg/L      | A 0.1, B 0.5      | M
        Cd       | mg/L      | A 0.05, B 0.1     | M
        Cr6+     | mg/L      | A 0.05, B 0.1     | M
        Cr3+     | mg/L      | A 0.2, B 1        | M
        Cu       | mg/L      | A 2, B 2          | M
        Zn       | mg/L      | A 3, B 3          | M
        Ni       | mg/L      | A 0.2, B 0.5      | M
        Mn       | mg/L      | A 0.5, B 1        | M
        Fe       | mg/L      | A 1, B 5          | M
        CN       | mg/L      | A 0.07, B 0.1     | M
        Phenol   | mg/L      | A 0.1, B 0.5      | M
        """,
        begins="2012-02-15",
        ends="2025-09-01",
        goes_on_until="2032-01-01",
    ),
    "QCVN 40:2025/BTNMT": Figures("no table of it was read", "", begins="2025-09-01"),
}
