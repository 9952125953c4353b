"""The parameters that automatic stations measure: codes, names, the spellings of real files, usual units.

Codes and units follow Circular 10/2021/TT-BTNMT and the files stations send. A fact that no source confirms
is marked in ``unverified``. A name means one quantity only: ``TempIn`` is not ``Temp``, ``NO3-N`` is not
``NO3``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from quantrac.domain.registry.stations import StationType
from quantrac.domain.spellings import fold, nearest
from quantrac.domain.units import is_comparable
from quantrac.errors import UserError


class Combined(Enum):
    """How the values of a period become one."""

    MEAN = "mean"
    TOTAL = "total"
    ANGLE = "angle"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One quantity a station can measure."""

    code: str
    name: str
    """English."""
    name_vi: str
    aliases: tuple[str, ...] = ()
    """Other spellings in files; matched as :func:`quantrac.domain.spellings.fold` folds them."""
    units: Mapping[StationType, str] = field(default_factory=dict)
    """Usual unit in each medium where the parameter is usual; canonical spelling."""
    other_units: tuple[str, ...] = ()
    """Units of another kind that instruments give it in too; source: practice, unverified."""
    molar_mass: float | None = None
    """g/mol; lets a gas convert between ppb and µg/Nm3."""
    unverified: str = ""
    """What about this entry is practice or inference and stands in no source."""
    combined: Combined = Combined.MEAN
    """``TOTAL`` for an amount between two readings, ``ANGLE`` for a direction in degrees."""

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every name that means this parameter."""
        return (self.code, self.name, self.name_vi, *self.aliases)

    def can_be_in(self, unit: str, medium: StationType | None = None) -> bool:
        """Tell whether its values can be in a unit, given canonically.

        Of a medium in which it is not usual, or of none, only the dimension counts.

        >>> [find_parameter("PM2.5").can_be_in(unit) for unit in ("mg/m3", "°C")]
        [True, False]
        """
        if medium not in self.units:
            medium = None
        usual = {*(self.units.values() if medium is None else [self.units[medium]]), *self.other_units}
        return not usual or any(
            is_comparable(unit, usual_unit, molar_mass=self.molar_mass, medium=medium) for usual_unit in usual
        )


def find_parameter(name: str) -> Parameter | None:
    """Return the parameter that a name, in any known spelling, stands for; ``None`` where unknown.

    >>> find_parameter("PM-2-5").code
    'PM2.5'
    """
    return _BY_SPELLING.get(name) or _BY_KEY.get(fold(name))


def look_up_parameter(name: str) -> Parameter:
    """Return the parameter of a name that a person gave; raises UserError with the nearest name.

    >>> look_up_parameter("no2").code
    'NO2'
    >>> look_up_parameter("Turbidty")
    Traceback (most recent call last):
    ...
    quantrac.errors.UserError: 'Turbidty' is not in the catalogue; the nearest name is 'Turbidity'
    """
    parameter = find_parameter(name)
    if parameter is None:
        (near,) = nearest(name, (spelling for entry in CATALOGUE for spelling in entry.spellings))
        parameter = find_parameter(near)
        code = "" if parameter is None or parameter.code == near else f", of {parameter.code!r}"
        raise UserError(f"{name!r:.80} is not in the catalogue; the nearest name is {near!r}{code}")
    return parameter


def _units(
    *,
    ambient: str | None = None,
    stack: str | None = None,
    surface: str | None = None,
    ground: str | None = None,
    waste: str | None = None,
) -> Mapping[StationType, str]:
    """Units by medium, without the media where the parameter is not usual."""
    media = zip(_MEDIA, (ambient, stack, surface, ground, waste), strict=True)
    return {medium: unit for medium, unit in media if unit is not None}


_MEDIA = (
    StationType.AMBIENT_AIR,
    StationType.STACK,
    StationType.SURFACE_WATER,
    StationType.GROUNDWATER,
    StationType.WASTEWATER,
)
_GAS = _units(ambient="µg/m3", stack="mg/Nm3")
_VOC = _units(ambient="ppb")
_TOXIC = _units(ambient="µg/m3")
_MG_L = _units(surface="mg/L", ground="mg/L", waste="mg/L")
_MG_L_AND_AIR = _units(ambient="µg/m3", surface="mg/L", ground="mg/L", waste="mg/L")
_AS_LIMIT = "usual unit: that of its limit"
_AS_LIMIT_IN_AIR = "usual unit in air: that of its limit"
_P = Parameter

CATALOGUE: tuple[Parameter, ...] = (
    # Particles
    _P("PM2.5", "Fine particles", "Bụi PM2.5", ("PM2,5", "PM-2-5", "PM-2.5", "PM2-5", "PM2_5", "PM_2_5",
       "PM25", "PM 2.5", "Bụi PM2,5"), units=_units(ambient="µg/m3")),
    _P("PM10", "Inhalable particles", "Bụi PM10", ("PM-10", "PM_10", "PM 10"), units=_units(ambient="µg/m3")),
    _P("PM1", "Particles below 1 µm", "Bụi PM1", ("PM-1", "PM_1", "PM1.0"), units=_units(ambient="µg/m3")),
    _P("TSP", "Total suspended particles", "Tổng bụi lơ lửng", units=_units(ambient="µg/m3")),
    _P("PM", "Dust", "Bụi", ("Dust",), units=_units(stack="mg/Nm3")),
    # Gases
    _P("NO", "Nitric oxide", "Nitơ monoxit", units=_GAS, molar_mass=30.006),
    _P("NO2", "Nitrogen dioxide", "Nitơ dioxit", units=_GAS, molar_mass=46.006),
    _P("NOx", "Nitrogen oxides", "Nitơ oxit", units=_GAS, molar_mass=46.006,
       unverified="molar mass: NOx counted as NO2"),
    _P("SO2", "Sulphur dioxide", "Lưu huỳnh dioxit", units=_GAS, molar_mass=64.066),
    _P("CO", "Carbon monoxide", "Cacbon monoxit", units=_GAS, molar_mass=28.010),
    _P("O3", "Ozone", "Ôzôn", ("Ozone", "Ozon"), units=_units(ambient="µg/m3"), molar_mass=47.998),
    _P("H2S", "Hydrogen sulphide", "Hydro sunfua", units=_GAS, molar_mass=34.081),
    _P("NH3", "Ammonia", "Amoniac", units=_GAS, molar_mass=17.031),
    _P("HCl", "Hydrogen chloride", "Axit clohydric", units=_GAS, molar_mass=36.461),
    _P("HF", "Hydrogen fluoride", "Axit flohydric", units=_GAS, molar_mass=20.006),
    _P("CO2", "Carbon dioxide", "Cacbon dioxit", units=_units(ambient="ppm", stack="%"), molar_mass=44.010,
       other_units=("ppm", "%"), unverified="usual units"),
    _P("O2", "Oxygen", "Oxy", units=_units(stack="%")),
    _P("THC", "Total hydrocarbons", "Tổng hydrocacbon", units=_units(ambient="ppmC"),
       other_units=("ppm", "µg/m3")),
    _P("CH4", "Methane", "Metan", units=_units(ambient="ppm"), molar_mass=16.043, unverified="usual unit"),
    _P("VHg", "Mercury vapour", "Hơi thủy ngân", units=_units(stack="mg/Nm3")),
    # Volatile organic compounds
    _P("Benzene", "Benzene", "Benzen", units=_VOC, molar_mass=78.114),
    _P("Toluene", "Toluene", "Toluen", units=_VOC, molar_mass=92.141),
    _P("Ethylbenzene", "Ethylbenzene", "Etylbenzen", units=_VOC, molar_mass=106.168),
    _P("m,p-Xylene", "Meta- and para-xylene", "m,p-Xylen", ("mp-Xylene",), units=_VOC,
       molar_mass=106.168),
    _P("o-Xylene", "Ortho-xylene", "o-Xylen", units=_VOC, molar_mass=106.168),
    _P("Styrene", "Styrene", "Styren", units=_VOC, molar_mass=104.152),
    _P("Butadiene", "1,3-Butadiene", "Butadien", units=_VOC, molar_mass=54.092,
       unverified="files write Butadiene without the isomer"),
    _P("Vinyl chloride", "Vinyl chloride", "Vinyl clorua", ("VinylChloride", "Vinyl_chloride"),
       units=_VOC, molar_mass=62.498),
    _P("Acrylonitrile", "Acrylonitrile", "Acrylonitril", units=_VOC, molar_mass=53.064),
    _P("Tetrachloroethene", "Tetrachloroethene", "Tetracloetylen", ("Tetrachloroethylene",),
       units=_VOC, molar_mass=165.83),
    _P("Xylene", "Xylenes, all isomers", "Xylen", ("Xylenes", "Total xylene"), units=_TOXIC,
       molar_mass=106.168, unverified=_AS_LIMIT),
    _P("CxHy", "Hydrocarbons", "Hydrocacbon", units=_TOXIC, unverified=_AS_LIMIT),
    _P("Formaldehyde", "Formaldehyde", "Fomanđehit", ("HCHO",), units=_TOXIC, molar_mass=30.026,
       unverified=_AS_LIMIT),
    _P("Acetaldehyde", "Acetaldehyde", "Axetanđehit", units=_TOXIC, molar_mass=44.053, unverified=_AS_LIMIT),
    _P("Acrolein", "Acrolein", "Acrolein", units=_TOXIC, molar_mass=56.064, unverified=_AS_LIMIT),
    _P("Aniline", "Aniline", "Anilin", units=_TOXIC, molar_mass=93.129, unverified=_AS_LIMIT),
    _P("Chloroform", "Chloroform", "Clorofom", ("CHCl3",), units=_TOXIC, molar_mass=119.378,
       unverified=_AS_LIMIT),
    _P("Naphthalene", "Naphthalene", "Naphtalen", units=_TOXIC, molar_mass=128.174, unverified=_AS_LIMIT),
    _P("Propionic acid", "Propionic acid", "Axit propionic", units=_TOXIC, molar_mass=74.079,
       unverified=_AS_LIMIT),
    _P("Mercaptan", "Mercaptans as methyl mercaptan", "Mercaptan tính theo metyl mercaptan", ("CH3SH",),
       units=_TOXIC, molar_mass=48.107, unverified=_AS_LIMIT),
    # Toxic substances in air that have a limit
    _P("Cl2", "Chlorine gas", "Khí clo", units=_GAS, molar_mass=70.906,
       unverified="usual units: those of its limits"),
    _P("HCN", "Hydrogen cyanide", "Hydro xyanua", units=_TOXIC, molar_mass=27.025, unverified=_AS_LIMIT),
    _P("AsH3", "Arsine", "Asin", units=_TOXIC, molar_mass=77.946, unverified=_AS_LIMIT),
    _P("HNO3", "Nitric acid", "Axit nitric", units=_TOXIC, molar_mass=63.012, unverified=_AS_LIMIT),
    _P("H2SO4", "Sulphuric acid", "Axit sunfuric", units=_TOXIC, unverified=_AS_LIMIT),
    _P("NaOH", "Sodium hydroxide", "Natri hydroxit", units=_TOXIC, unverified=_AS_LIMIT),
    _P("SiO2", "Respirable crystalline silica", "Silic đioxit tinh thể hô hấp", units=_TOXIC,
       unverified=_AS_LIMIT),
    _P("MnO2", "Manganese as manganese dioxide", "Mangan tính theo MnO2", units=_TOXIC,
       unverified=_AS_LIMIT),
    # Weather and the station itself
    _P("Temp", "Temperature", "Nhiệt độ", ("Temperature", "Nhiệtđộ", "Nhietdo", "Nhiet do"),
       units=_units(ambient="°C", stack="°C", surface="°C", ground="°C", waste="°C")),
    _P("TempIn", "Temperature inside the station", "Nhiệt độ trong trạm", ("Temp_In", "Temp-In", "Temp In",
       "InnerTemp"),
       units=_units(ambient="°C")),
    _P("TempEnv", "Air temperature at a groundwater station", "Nhiệt độ môi trường", ("Temp Enviroment",
       "Temp Environment"), units=_units(ground="°C")),
    _P("Humidity", "Relative humidity", "Độ ẩm", ("RH", "Do am"), units=_units(ambient="%")),
    _P("Pressure", "Pressure", "Áp suất", ("Ápsuất", "Apsuat", "Ap suat", "P",
       "Áp suất khí quyển"),
       units=_units(ambient="hPa", stack="kPa")),
    _P("Radiation", "Solar radiation", "Bức xạ", ("G-Radian", "Solar Radiation", "Bức xạ mặt trời"),
       units=_units(ambient="W/m2")),
    _P("WindSpeed", "Wind speed", "Tốc độ gió", ("Wind_Speed", "Wind-Speed", "WS"),
       units=_units(ambient="m/s")),
    _P("WindDir", "Wind direction", "Hướng gió", ("Wind_Dir", "Wind-Dir", "WindDirection", "Wind direction",
       "WD"), units=_units(ambient="°"), combined=Combined.ANGLE),
    _P("Rain", "Rainfall", "Lượng mưa", ("Rainfall",), units=_units(ambient="mm"),
       combined=Combined.TOTAL, unverified="usual unit; that a value is the rain since the one before"),
    # Flow
    _P("Flow", "Flow", "Lưu lượng",
       units=_units(stack="m3/h", waste="m3/h"), unverified="usual unit in stacks"),
    _P("FlowIn", "Flow into the plant", "Lưu lượng vào", ("Flow_In", "Flow-In"), units=_units(waste="m3/h")),
    _P("FlowOut", "Flow out of the plant", "Lưu lượng ra", ("Flow_Out", "Flow-Out"),
       units=_units(waste="m3/h")),
    _P("WaterLevel", "Water level", "Mực nước", ("Water Level", "Water_Level"),
       units=_units(surface="m", ground="m"),
       unverified="usual unit in surface water"),
    # Water quality
    _P("pH", "pH", "pH", units=_units(surface="", ground="", waste="")),
    _P("TSS", "Total suspended solids", "Tổng chất rắn lơ lửng", units=_MG_L),
    _P("COD", "Chemical oxygen demand", "Nhu cầu oxy hóa học", units=_MG_L),
    _P("BOD", "Biochemical oxygen demand", "Nhu cầu oxy sinh hóa", ("BOD5",), units=_MG_L),
    _P("TOC", "Total organic carbon", "Tổng cacbon hữu cơ", units=_MG_L),
    _P("DO", "Dissolved oxygen", "Oxy hòa tan", ("Oxi hòa tan",), units=_MG_L),
    _P("NH4", "Ammonium", "Amoni", ("NH4+", "Ammonium"), units=_MG_L,
       unverified="whether a station's Amoni is counted as NH4 or as N; limits count it as N"),
    _P("NH4-N", "Ammonium as nitrogen", "Amoni tính theo N", ("N-NH4", "NH4+-N", "N-NH4+", "Amoni-N"),
       units=_MG_L),
    _P("NO3", "Nitrate", "Nitrat", ("NO3-", "Nitrate"), units=_MG_L),
    _P("NO3-N", "Nitrate as nitrogen", "Nitrat tính theo N", ("N-NO3", "NO3--N"), units=_MG_L),
    _P("NO2-N", "Nitrite as nitrogen", "Nitrit tính theo N", ("N-NO2", "NO2--N"), units=_MG_L),
    _P("PO4", "Phosphate", "Phosphat", ("PO43-", "PO4 3-", "PO4---", "Phosphate", "Photphat"), units=_MG_L),
    _P("PO4-P", "Phosphate as phosphorus", "Phosphat tính theo P", ("P-PO4", "P-PO43-"), units=_MG_L),
    _P("TN", "Total nitrogen", "Tổng nitơ", ("T-N", "Total N", "Tổng N"), units=_MG_L),
    _P("TP", "Total phosphorus", "Tổng phốt pho", ("T-P", "Total P", "Tổng P"), units=_MG_L),
    _P("Color", "Colour", "Độ màu", ("Colour",), units=_units(waste="Pt-Co")),
    _P("EC", "Conductivity", "Độ dẫn điện", ("COND", "Conductivity"),
       units=_units(surface="µS/cm", ground="µS/cm", waste="mS/cm"),
       unverified="usual unit in groundwater"),
    _P("Turbidity", "Turbidity", "Độ đục", ("TURB",), units=_units(surface="NTU"), other_units=("FNU",)),
    _P("ORP", "Oxidation-reduction potential", "Thế oxy hóa khử",
       units=_units(surface="mV", ground="mV", waste="mV")),
    _P("Salinity", "Salinity", "Độ mặn",
       units=_units(surface="‰", ground="‰"), other_units=("g/L", "%"),
       unverified="usual unit in surface water"),
    _P("TDS", "Total dissolved solids", "Tổng chất rắn hòa tan", units=_MG_L, other_units=("ppm",),
       unverified="usual unit"),
    _P("Cl", "Residual chlorine", "Clo dư", ("Clo",), units=_units(waste="mg/L")),
    _P("Cl-", "Chloride", "Clorua", ("Chloride",), units=_MG_L),
    _P("F-", "Fluoride", "Florua", ("Fluoride",), units=_MG_L),
    _P("S2-", "Sulphide", "Sunfua", ("Sulfide",), units=_units(waste="mg/L"), unverified=_AS_LIMIT),
    _P("SO4", "Sulphate", "Sunfat", ("SO42-", "SO4 2-", "Sulfate"), units=_units(ground="mg/L"),
       unverified=_AS_LIMIT),
    _P("CN", "Cyanide", "Xyanua", ("CN-", "Cyanide"), units=_MG_L),
    _P("Hardness", "Hardness as calcium carbonate", "Độ cứng", ("Total hardness", "Độ cứng tổng số"),
       units=_units(ground="mg/L"), unverified=_AS_LIMIT),
    _P("Permanganate index", "Permanganate index", "Chỉ số pemanganat", ("CODMn", "Chỉ số permanganat"),
       units=_units(ground="mg/L"), unverified=_AS_LIMIT),
    _P("Phenol", "Phenol", "Phenol", units=_MG_L_AND_AIR, molar_mass=94.113, unverified=_AS_LIMIT_IN_AIR),
    _P("Anionic surfactant", "Anionic surfactants", "Chất hoạt động bề mặt anion",
       units=_units(surface="mg/L"), unverified=_AS_LIMIT),
    _P("Oil", "Mineral oil", "Dầu mỡ", units=_units(waste="mg/L")),
    _P("Oil and grease", "Total oil and grease", "Tổng dầu, mỡ", ("Tổng dầu mỡ",),
       units=_units(surface="mg/L"), unverified=_AS_LIMIT),
    _P("Chlorophyll-a", "Chlorophyll a", "Diệp lục a", ("Chl-a",), units=_units(surface="µg/L"),
       unverified=_AS_LIMIT),
    _P("Coliform", "Coliform bacteria", "Coliform", ("Coliforms",),
       units=_units(surface="MPN/100mL", waste="MPN/100mL"), other_units=("CFU/100mL",)),
    _P("Heat-tolerant coliform", "Heat-tolerant coliform bacteria", "Coliform chịu nhiệt",
       ("Thermotolerant coliform",), units=_units(surface="MPN/100mL"), other_units=("CFU/100mL",),
       unverified=_AS_LIMIT),
    # Metals: in water, and where an ambient unit is given also in air
    _P("Hg", "Mercury", "Thủy ngân",
       units=_units(ambient="ng/m3", surface="mg/L", ground="mg/L", waste="mg/L")),
    _P("Pb", "Lead", "Chì", units=_units(ambient="µg/m3", surface="mg/L", ground="mg/L", waste="mg/L")),
    _P("As", "Arsenic", "Asen", units=_MG_L_AND_AIR, unverified=_AS_LIMIT_IN_AIR),
    _P("Cd", "Cadmium", "Cadimi", units=_MG_L_AND_AIR, unverified=_AS_LIMIT_IN_AIR),
    _P("Cr6+", "Hexavalent chromium", "Crom VI", ("Cr6", "Cr(VI)", "Cr VI", "CrVI"), units=_MG_L_AND_AIR,
       unverified=_AS_LIMIT_IN_AIR),
    _P("Cr3+", "Trivalent chromium", "Crom III", ("Cr3", "Cr(III)", "Cr III", "CrIII"),
       units=_units(waste="mg/L"), unverified=_AS_LIMIT),
    _P("Cr", "Total chromium", "Tổng crom", ("Total Cr", "Tổng Cr"), units=_units(surface="mg/L"),
       unverified=_AS_LIMIT),
    _P("Cu", "Copper", "Đồng", units=_MG_L),
    _P("Fe", "Iron", "Sắt", units=_MG_L),
    _P("Mn", "Manganese", "Mangan", units=_MG_L),
    _P("Ni", "Nickel", "Niken", units=_MG_L_AND_AIR, unverified=_AS_LIMIT_IN_AIR),
    _P("Sb", "Antimony", "Antimon", units=_units(surface="mg/L"), unverified=_AS_LIMIT),
    _P("Zn", "Zinc", "Kẽm", units=_MG_L),
)  # fmt: skip

_BY_SPELLING = {spelling: parameter for parameter in CATALOGUE for spelling in parameter.spellings}
_BY_KEY = {fold(spelling): parameter for parameter in CATALOGUE for spelling in parameter.spellings}
