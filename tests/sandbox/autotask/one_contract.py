"""Records of a seed: one company with one contract, and a service for it."""

BASE = {
    "Companies": [{"id": 1, "companyName": "A"}],
    "Services": [{"id": 2, "name": "S", "periodType": 2, "unitPrice": 3}],
    "Contracts": [
        {
            "id": 3,
            "companyID": 1,
            "contractType": 7,
            "startDate": "2026-01-01",
            "endDate": "2026-04-30",
        }
    ],
}
