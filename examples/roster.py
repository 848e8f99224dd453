"""The customers, products and contacts of the example; only Microsoft's product names are real.

Phone numbers are in ranges reserved for fiction, in countries that have such ranges (GB, DE, US). One
line is one customer, product or contact, so the tables are not wrapped.
"""

from typing import NamedTuple


class Customer(NamedTuple):
    """An account in Work 365."""

    number: str
    name: str
    slug: str
    country: str
    street: str
    city: str
    region: str
    postal: str
    phone: str
    contact: tuple[str, str, str]  # primary contact: first name, last name, job title
    known: str = ""  # in Autotask: by identity, number, name, similar, twice; empty: not at all
    fault: str = ""  # what is wrong with it


class Product(NamedTuple):
    """A product in Work 365."""

    key: str
    name: str
    part: str
    unit: str
    price: str  # list price for one unit and period; empty: missing
    billing_type: str = "License"
    service: str = ""  # in Autotask: by identity, sku, alike, twice; empty: not at all
    state: str = "Active"
    vendor: str = "Larkspur Cloud Distribution"


# fmt: off
CUSTOMERS = [
    Customer("A-1001", "Ashdown & Pell Veterinary Ltd", "ashdown-pell", "GB", "14 Mill Goit", "Leeds", "", "LS1 4AP", "0113 496 0101", ("Harriet", "Pell", "Practice Manager")),
    Customer("A-1002", "Brightwater Logistics Ltd", "brightwater-logistics", "GB", "Unit 6, Canal Reach", "Manchester", "", "M17 1HH", "0161 496 0122", ("Owen", "Tate", "Operations Director")),
    Customer("A-1003", "Cedar & Vine Catering", "cedar-vine", "GB", "3 Wapping Steps", "Bristol", "", "BS1 4RW", "n/a", ("Molly", "Greaves", "Owner"), "number", "phone is no number"),
    Customer("A-1004", "Dunmore Surveyors", "dunmore-surveyors", "GB", "27 Lauriston Row", "Edinburgh", "", "EH3 9EN", "0131 496 0144", ("Iain", "Dunmore", "Partner"), "number"),
    Customer("A-1005", "Eastmoor Timber Merchants Ltd", "eastmoor-timber", "GB", "Eastmoor Yard, Neepsend Lane", "Sheffield", "", "S3 8AT", "0114 496 0155", ("Graham", "Slack", "Finance Director"), "number"),
    Customer("A-1006", "Fenwick Rowe Solicitors LLP", "fenwick-rowe", "GB", "88 Bedford Walk", "London", "", "WC1R 4BZ", "020 7946 0166", ("Adaeze", "Rowe", "Managing Partner"), "identity"),
    Customer("A-1007", "Alpine Dental AG", "alpine-dental", "CH", "Seefeldweg 12", "Zürich", "ZH", "8008", "044 668 18 01", ("Reto", "Ammann", "Praxisleiter"), "number"),
    Customer("A-1008", "Granby Lane Dental Care", "granby-lane", "GB", "5 Granby Lane", "Tynemouth", "", "NE30 4DB", "0191 498 0177", ("Priti", "Desai", "Practice Manager"), "identity"),
    Customer("A-1009", "Hollin Brook Housing Trust", "hollin-brook", "GB", "Hollin House, 40 Ladywood Parade", "Birmingham", "", "B16 8SZ", "0121 496 0188", ("Marcus", "Bell", "Head of IT"), "identity"),
    Customer("A-1010", "Inglewood Print Works Ltd", "inglewood-print", "GB", "11 Frog Island", "Leicester", "", "LE3 5AG", "0116 496 0199", ("Joan", "Inglewood", "Director"), "identity"),
    Customer("A-1011", "Juniper Row Architects", "juniper-row", "GB", "2 Juniper Row", "Cardiff", "", "CF10 5AL", "029 2018 0211", ("Rhys", "Morgan", "Partner"), "identity"),
    Customer("A-1012", "Kestrel Marine Services Ltd", "kestrel-marine", "GB", "Pier 4, Govan Quay", "Glasgow", "", "G51 3HR", "0141 496 0222", ("Fiona", "Ross", "Office Manager"), "identity"),
    Customer("A-1013", "Larkfield Primary Academy Trust", "larkfield-trust", "GB", "Larkfield Road", "Reading", "", "RG1 7LL", "0118 496 0233", ("Sanjay", "Nair", "Network Manager"), "number"),
    Customer("A-1014", "Merrow Down Care Homes Ltd", "merrow-down", "GB", "6 Clapton Rise", "London", "", "E5 9QA", "020 7946 0244", ("Denise", "Okafor", "Operations Manager"), "number"),
    Customer("A-1015", "Northbeck Brewery Ltd", "northbeck", "GB", "The Maltings, Ouseburn", "Newcastle upon Tyne", "", "NE6 1LH", "0191 498 0255", ("Callum", "Reay", "Managing Director"), "number"),
    Customer("A-1016", "Orchard Gate Estates", "orchard-gate", "GB", "31 Hope Row", "Liverpool", "", "L1 9BP", "0151 496 0266", ("Lydia", "Marsh", "Lettings Manager"), "name"),
    Customer("A-1017", "Pennine Ridge Outdoor Ltd", "pennine-ridge", "GB", "9 Wharf Approach", "Leeds", "", "LS12 2BW", "0113 496 0277", ("Tom", "Hebden", "Owner"), "", "account is inactive"),
    Customer("A-1018", "Birkenhof Treuhand AG", "birkenhof-treuhand", "CH", "Birkenhofweg 3", "Bern", "BE", "3011", "031 555 01 12", ("Regula", "Baumgartner", "Inhaberin"), "identity"),
    Customer("A-1019", "Chalet Miremont Sàrl", "chalet-miremont", "CH", "Chemin des Crêts 18", "Genève", "GE", "1206", "022 555 01 23", ("Luc", "Favre", "Gérant"), "similar"),
    Customer("A-1020", "Drei Linden Apotheke AG", "drei-linden", "CH", "Lindenplatz 3", "Basel", "BS", "4051", "061 555 01 34", ("Nina", "Vogt", "Apothekerin"), "identity"),
    Customer("A-1021", "Edelkorn Bäckerei GmbH", "edelkorn", "CH", "Kornmarktgasse 7", "Luzern", "LU", "6004", "041 555 01 45", ("Urs", "Achermann", "Geschäftsführer"), "number"),
    Customer("A-1022", "Föhnwind Energie AG", "foehnwind", "CH", "Rheinstrasse 101", "Chur", "GR", "7000", "081 555 01 56", ("Seraina", "Caduff", "Leiterin IT"), "name"),
    Customer("A-1023", "Glarner Präzision AG", "glarner-praezision", "CH", "Fabrikweg 22", "Glarus", "GL", "8750", "0113 496 0288", ("Hans", "Tschudi", "Betriebsleiter"), "", "phone of another country"),
    Customer("A-1024", "Hochwacht Ingenieure AG", "hochwacht", "CH", "Technikumgasse 15", "Winterthur", "ZH", "8400", "052 555 01 78", ("Beat", "Keller", "Partner"), "number"),
    Customer("A-1025", "Isarblick Physiotherapie GmbH", "isarblick", "DE", "Auenweg 9", "München", "", "80469", "089 99998 101", ("Katharina", "Huber", "Inhaberin"), "identity"),
    Customer("A-1026", "Jaspersen Reederei GmbH & Co. KG", "jaspersen", "DE", "Sandkai 30", "Hamburg", "", "20457", "040 66969 112", ("Enno", "Jaspersen", "Geschäftsführer"), "identity"),
    Customer("A-1027", "Kranichfeld Solar GmbH", "kranichfeld-solar", "DE", "Sonnenallee 411", "Berlin", "", "12057", "030 23125 123", ("Mareike", "Voigt", "Kaufmännische Leiterin"), "number"),
    Customer("A-1028", "Lindenthal Steuerberatung PartG", "lindenthal-steuer", "DE", "Gleueler Hof 4", "Köln", "", "50931", "0221 4710 134", ("Jürgen", "Esser", "Partner"), "number"),
    Customer("A-1029", "Mainufer Logistik GmbH", "mainufer", "DE", "Hafenstraße 77", "Frankfurt am Main", "", "60314", "069 90009 145", ("Aylin", "Demir", "IT-Leiterin"), "name"),
    Customer("A-1030", "Nordlicht Feinkost GmbH", "nordlicht-feinkost", "DE", "Fischersteg 2", "Hamburg", "", "22767", "040 66969 156", ("Birte", "Lorenzen", "Inhaberin"), "similar"),
    Customer("A-1031", "Oderbruch Maschinenbau GmbH", "oderbruch", "DE", "Werkring 5", "Berlin", "", "12681", "030 23125 167", ("Detlef", "Krause", "Werksleiter"), "twice"),
    Customer("A-1032", "Palmengarten Optik GmbH", "palmengarten-optik", "DE", "Westendgasse 19", "Frankfurt am Main", "", "60325", "069 90009 178", ("Svenja", "Roth", "Filialleiterin"), "number", "no primary contact"),
    Customer("A-1033", "Quarry Hill Roofing LLC", "quarry-hill", "US", "210 Quarry Hill Road", "Boston", "MA", "02118", "(617) 555-0133", ("Dale", "Murphy", "Owner")),
    Customer("A-1034", "Redbud Family Dentistry PC", "redbud-dentistry", "US", "1800 Redbud Trail", "Austin", "TX", "78746", "(512) 555-0144", ("Grace", "Nguyen", "Office Manager")),
    Customer("A-1035", "Saltgrass Outfitters Inc", "saltgrass", "US", "47 Bayou Bend", "Houston", "TX", "77007", "", ("Luis", "Ortega", "Controller"), "", "no phone"),
    Customer("A-1036", "Tamarack Legal Group LLP", "tamarack-legal", "US", "900 Tamarack Avenue", "Minneapolis", "MN", "55401", "+1 612-555-0166", ("Erin", "Lindqvist", "Firm Administrator"), "", "country spelled out"),
    Customer("A-1037", "Upland Orchard Supply Co", "upland-orchard", "US", "5 Orchard Loop", "Seattle", "WA", "98108", "(206) 555-0177", ("Hank", "Sorensen", "General Manager"), "name"),
    Customer("A-1038", "Verbena Wellness Center LLC", "verbena-wellness", "US", "3300 Larimer Court", "Denver", "CO", "80205", "(303) 555-0188", ("Tara", "Whitfield", "Director"), "similar"),
    Customer("A-1039", "Whitepine Accounting Services Inc", "whitepine", "US", "71 Whitepine Place", "Portland", "OR", "97205", "(503) 555-0199", ("Alan", "Prescott", "Principal"), "number", "primary contact inactive"),
    Customer("A-1040", "Yarrow Creek Schools Foundation", "yarrow-creek", "US", "1201 Yarrow Creek Drive", "Chicago", "IL", "60622", "(312) 555-0110", ("Denise", "Carver", "IT Coordinator"), "", "primary contact of another account"),
]

# Part numbers and names as Microsoft's partner price lists have them; prices are made up.
PRODUCTS = [
    Product("basic-m", "Microsoft 365 Business Basic", "CFQ7TTC0LH18:0001", "Monthly", "5.40", service="identity"),
    Product("standard-m", "Microsoft 365 Business Standard", "CFQ7TTC0LDPB:0001", "Monthly", "11.30", service="identity"),
    Product("standard-y", "Microsoft 365 Business Standard", "CFQ7TTC0LDPB:0001", "Annual", "113.00", service="sku"),
    Product("premium-m", "Microsoft 365 Business Premium", "CFQ7TTC0LCHC:0002", "Monthly", "20.20", service="identity"),
    Product("premium-y", "Microsoft 365 Business Premium", "CFQ7TTC0LCHC:0002", "Annual", "201.60", service="identity"),
    Product("e3-m", "Microsoft 365 E3", "CFQ7TTC0LFLX:0001", "Monthly", "36.00", service="identity"),
    Product("e3-3y", "Microsoft 365 E3", "CFQ7TTC0LFLX:0001", "Triennial", "1120.00"),
    Product("e5-y", "Microsoft 365 E5", "CFQ7TTC0LFLZ:0002", "Annual", "574.80", service="identity"),
    Product("copilot-y", "Microsoft 365 Copilot", "CFQ7TTC0MM8R:0002", "Annual", ""),
    Product("f3-m", "Microsoft 365 F3", "CFQ7TTC0LH05:0001", "Monthly", "7.90", service="sku"),
    Product("apps-m", "Microsoft 365 Apps for business", "CFQ7TTC0LH1G:0001", "Monthly", "9.50", service="identity"),
    Product("appse-y", "Microsoft 365 Apps for enterprise", "CFQ7TTC0LGZT:0001", "Annual", "124.80", service="sku"),
    Product("o365e1-m", "Office 365 E1", "CFQ7TTC0LF8Q:0001", "Monthly", "8.30", service="sku", state="Retired"),
    Product("o365e3-m", "Office 365 E3", "CFQ7TTC0LF8R:0001", "Monthly", "23.10", service="sku"),
    Product("exo1-m", "Exchange Online (Plan 1)", "CFQ7TTC0LH16:0001", "Monthly", "3.20", service="identity"),
    Product("exo1-y", "Exchange Online (Plan 1)", "CFQ7TTC0LH16:0001", "Annual", "36.00", service="sku"),
    Product("exo2-m", "Exchange Online (Plan 2)", "CFQ7TTC0LH1P:0001", "Monthly", "7.70", service="identity"),
    Product("visio2-m", "Visio Plan 2", "CFQ7TTC0HD32:0002", "Monthly", "13.80", service="identity"),
    Product("project3-m", "Planner and Project Plan 3", "CFQ7TTC0HDB0:0002", "Monthly", "27.60", service="sku"),
    Product("powerbi-m", "Power BI Pro", "CFQ7TTC0LHSF:0001", "Monthly", "9.20", service="twice"),
    Product("ppu-m", "Power BI Premium Per User", "CFQ7TTC0HL8W:0001", "Monthly", "18.40", vendor="Osprey Digital Supply"),
    Product("intune-m", "Microsoft Intune Plan 1", "CFQ7TTC0LCH4:0009", "Monthly", "7.40", service="alike"),
    Product("entra-m", "Microsoft Entra ID P1", "CFQ7TTC0LFLS:0002", "Monthly", "5.50"),
    Product("defender-m", "Microsoft Defender for Business", "CFQ7TTC0HX56:0002", "Monthly", "2.80"),
    Product("phone-m", "Microsoft Teams Phone Standard", "CFQ7TTC0LH0T:0001", "Monthly", "7.40", service="identity"),
    Product("resource-m", "Microsoft Teams Phone Resource Account", "CFQ7TTC0LH0R:0001", "Monthly", "0"),
    Product("ems-q", "Enterprise Mobility + Security E3", "CFQ7TTC0LHT4:0001", "Quarterly", "29.70", service="identity"),
    Product("azure", "Azure plan", "DZH318Z0BPS6:0001", "Monthly", "", billing_type="Usage"),
    Product("server", "Windows Server 2025 Standard - 16 Core License Pack", "DG7GMGF0PWHC:0003", "Monthly", "905.00", billing_type="Non-Recurring"),
    Product("ltsc", "Office LTSC Standard 2024", "DG7GMGF0PN5D:0002", "Monthly", "381.00", billing_type="Non-Recurring", service="sku"),
]

# Thirty more contacts, each with the number of their customer.
COLLEAGUES = [
    ("A-1001", "Ben", "Whitworth", "Reception"),
    ("A-1002", "Sadia", "Karim", "Accounts"),
    ("A-1002", "Lee", "Fairhurst", "Warehouse Manager"),
    ("A-1004", "Morag", "Sim", "Office Manager"),
    ("A-1005", "Angela", "Dyson", "Accounts Payable"),
    ("A-1006", "Tobias", "Lang", "IT Support"),
    ("A-1006", "Rebecca", "Stone", "Practice Manager"),
    ("A-1007", "Sandra", "Iten", "Empfang"),
    ("A-1008", "Colin", "Hart", "Dentist"),
    ("A-1009", "Yusuf", "Amin", "Systems Administrator"),
    ("A-1010", "Kelly", "Brandt", "Accounts"),
    ("A-1011", "Carys", "Pugh", "Studio Manager"),
    ("A-1012", "Gordon", "Muir", "Yard Manager"),
    ("A-1013", "Paula", "Finch", "Business Manager"),
    ("A-1014", "Ella", "Mensah", "Care Coordinator"),
    ("A-1015", "Jess", "Robson", "Accounts"),
    ("A-1018", "Thomas", "Wyss", "Treuhänder"),
    ("A-1020", "Mia", "Schaub", "Assistentin"),
    ("A-1022", "Gian", "Derungs", "Einkauf"),
    ("A-1024", "Anna", "Frei", "Sekretariat"),
    ("A-1025", "Florian", "Maier", "Therapeut"),
    ("A-1026", "Wiebke", "Carstens", "Buchhaltung"),
    ("A-1027", "Stefan", "Pohl", "Technik"),
    ("A-1028", "Ute", "Breuer", "Sekretariat"),
    ("A-1029", "Kemal", "Yildiz", "Disposition"),
    ("A-1033", "Pam", "Kowalski", "Bookkeeper"),
    ("A-1034", "Andre", "Wells", "Hygienist"),
    ("A-1036", "Noah", "Berg", "Paralegal"),
    ("A-1037", "Rosa", "Ibarra", "Accounting"),
    ("A-1039", "June", "Tanaka", "Office Manager"),
]
