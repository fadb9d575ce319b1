/// Carbon intensity of electricity by country: lifecycle emissions of all that was generated in a year, per kilowatt hour.
///
/// Our World in Data, *Carbon intensity of electricity generation* (Ember, *Yearly Electricity Data*; Energy Institute,
/// *Statistical Review of World Energy*), of the year that stands beside each, mostly 2022 or 2023: the numbers that CodeCarbon 3.3.2 takes.
package enum Countries {
    package static let source = "Our World in Data"

    package struct Country: Sendable {
        /// Three letters of ISO 3166-1.
        package let code: String
        package let name: String
        package let gramsPerKilowattHour: Double
        package let year: Int
    }

    /// - Parameter code: in either case.
    package static subscript(code: String) -> Country? { byCode[code.uppercased()] }

    private static let byCode: [String: Country] = {
        var all: [String: Country] = [:]
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: ";")
            guard fields.count == 4, let grams = Double(fields[1]), let year = Int(fields[2]) else {
                preconditionFailure("a line of the table of countries")
            }
            let code = String(fields[0])
            all[code] = Country(code: code, name: String(fields[3]), gramsPerKilowattHour: grams, year: year)
        }
        return all
    }()

    private static let table = """
        ABW;561.224;2022;Aruba
        AFG;132.53;2022;Afghanistan
        AGO;174.734;2022;Angola
        ALB;24.286;2022;Albania
        ARE;561.135;2022;United Arab Emirates
        ARG;354.103;2023;Argentina
        ARM;264.538;2022;Armenia
        ASM;611.111;2022;American Samoa
        ATG;611.111;2022;Antigua and Barbuda
        AUS;548.692;2023;Australia
        AUT;110.812;2023;Austria
        AZE;671.389;2022;Azerbaijan
        BDI;250.0;2022;Burundi
        BEL;138.107;2023;Belgium
        BEN;584.071;2022;Benin
        BFA;467.533;2022;Burkina Faso
        BGD;691.411;2023;Bangladesh
        BGR;335.334;2023;Bulgaria
        BHR;904.615;2022;Bahrain
        BHS;660.099;2022;Bahamas
        BIH;600.0;2023;Bosnia and Herzegovina
        BLR;441.74;2022;Belarus
        BLZ;225.806;2022;Belize
        BMU;650.794;2022;Bermuda
        BOL;531.687;2023;Bolivia
        BRA;98.348;2023;Brazil
        BRB;605.505;2022;Barbados
        BRN;893.913;2022;Brunei
        BTN;23.333;2022;Bhutan
        BWA;847.909;2022;Botswana
        CAF;0.0;2022;Central African Republic
        CAN;170.043;2023;Canada
        CHE;34.843;2023;Switzerland
        CHL;291.113;2023;Chile
        CHN;582.317;2023;China
        CIV;393.885;2022;Cote d'Ivoire
        CMR;305.419;2022;Cameroon
        COD;24.457;2022;Democratic Republic of Congo
        COG;700.0;2022;Congo
        COK;250.0;2022;Cook Islands
        COL;259.511;2023;Colombia
        COM;642.857;2022;Comoros
        CPV;558.14;2022;Cape Verde
        CRI;53.378;2023;Costa Rica
        CUB;637.61;2022;Cuba
        CYM;642.857;2022;Cayman Islands
        CYP;534.323;2023;Cyprus
        CZE;449.724;2023;Czechia
        DEU;380.95;2023;Germany
        DJI;692.308;2022;Djibouti
        DMA;529.412;2022;Dominica
        DNK;151.65;2023;Denmark
        DOM;580.78;2022;Dominican Republic
        DZA;634.611;2022;Algeria
        ECU;150.224;2023;Ecuador
        EGY;570.306;2023;Egypt
        ERI;631.579;2022;Eritrea
        ESH;666.667;2009;Western Sahara
        ESP;174.05;2023;Spain
        EST;416.667;2023;Estonia
        ETH;24.643;2022;Ethiopia
        FIN;79.158;2023;Finland
        FJI;288.462;2022;Fiji
        FLK;500.0;2022;Falkland Islands
        FRA;56.039;2023;France
        FRO;404.762;2022;Faroe Islands
        GAB;491.597;2022;Gabon
        GBR;237.589;2023;United Kingdom
        GEO;167.594;2023;Georgia
        GHA;484.0;2022;Ghana
        GIB;600.0;2022;Gibraltar
        GIN;236.842;2022;Guinea
        GLP;500.0;2021;Guadeloupe
        GMB;666.667;2022;Gambia
        GNB;625.0;2022;Guinea-Bissau
        GNQ;591.837;2022;Equatorial Guinea
        GRC;336.574;2023;Greece
        GRD;640.0;2022;Grenada
        GRL;178.571;2022;Greenland
        GTM;328.268;2022;Guatemala
        GUF;217.822;2021;French Guiana
        GUM;622.857;2022;Guam
        GUY;640.351;2022;Guyana
        HKG;699.499;2022;Hong Kong
        HND;282.265;2022;Honduras
        HRV;204.962;2023;Croatia
        HTI;567.308;2022;Haiti
        HUN;204.19;2023;Hungary
        IDN;675.931;2022;Indonesia
        IND;713.441;2023;India
        IRL;290.805;2023;Ireland
        IRN;655.125;2023;Iran
        IRQ;688.814;2022;Iraq
        ISL;27.68;2022;Iceland
        ISR;582.927;2022;Israel
        ITA;330.718;2023;Italy
        JAM;555.556;2022;Jamaica
        JOR;540.924;2022;Jordan
        JPN;485.392;2023;Japan
        KAZ;821.391;2023;Kazakhstan
        KEN;70.492;2023;Kenya
        KGZ;147.292;2022;Kyrgyzstan
        KHM;417.707;2022;Cambodia
        KIR;666.667;2022;Kiribati
        KNA;636.364;2022;Saint Kitts and Nevis
        KOR;430.567;2023;South Korea
        KWT;649.163;2023;Kuwait
        LAO;265.506;2022;Laos
        LBN;599.005;2022;Lebanon
        LBR;227.848;2022;Liberia
        LBY;818.692;2022;Libya
        LCA;666.667;2022;Saint Lucia
        LKA;509.781;2022;Sri Lanka
        LSO;20.0;2022;Lesotho
        LTU;160.072;2023;Lithuania
        LUX;105.263;2023;Luxembourg
        LVA;123.2;2023;Latvia
        MAC;448.98;2022;Macao
        MAR;630.014;2023;Morocco
        MDA;643.464;2023;Moldova
        MDG;436.441;2022;Madagascar
        MDV;611.765;2022;Maldives
        MEX;507.245;2023;Mexico
        MKD;565.345;2023;North Macedonia
        MLI;408.0;2022;Mali
        MLT;459.144;2023;Malta
        MMR;398.898;2023;Myanmar
        MNE;417.073;2023;Montenegro
        MNG;775.309;2023;Mongolia
        MOZ;135.647;2022;Mozambique
        MRT;464.706;2022;Mauritania
        MSR;1000.0;2022;Montserrat
        MTQ;523.179;2021;Martinique
        MUS;632.479;2022;Mauritius
        MWI;66.667;2022;Malawi
        MYS;605.831;2022;Malaysia
        NAM;59.259;2022;Namibia
        NCL;660.584;2022;New Caledonia
        NER;670.886;2022;Niger
        NGA;523.247;2023;Nigeria
        NIC;265.116;2022;Nicaragua
        NLD;267.622;2023;Netherlands
        NOR;30.08;2023;Norway
        NPL;24.44;2022;Nepal
        NRU;750.0;2022;Nauru
        NZL;112.758;2023;New Zealand
        OMN;564.635;2023;Oman
        PAK;440.608;2023;Pakistan
        PAN;161.677;2022;Panama
        PER;266.478;2023;Peru
        PHL;610.688;2023;Philippines
        PNG;507.246;2022;Papua New Guinea
        POL;661.926;2023;Poland
        PRI;678.738;2022;Puerto Rico
        PRK;389.587;2022;North Korea
        PRT;165.553;2023;Portugal
        PRY;23.755;2023;Paraguay
        PSE;516.129;2022;Palestine
        PYF;442.857;2022;French Polynesia
        QAT;602.5;2023;Qatar
        REU;572.816;2021;Reunion
        ROU;240.583;2023;Romania
        RUS;441.039;2023;Russia
        RWA;316.327;2022;Rwanda
        SAU;706.791;2022;Saudi Arabia
        SDN;263.158;2022;Sudan
        SEN;511.598;2022;Senegal
        SGP;470.783;2023;Singapore
        SHN;1000.0;2022;Saint Helena
        SLB;700.0;2022;Solomon Islands
        SLE;50.0;2022;Sierra Leone
        SLV;271.468;2023;El Salvador
        SOM;578.947;2022;Somalia
        SPM;600.0;2022;Saint Pierre and Miquelon
        SRB;636.062;2023;Serbia
        SSD;629.032;2022;South Sudan
        STP;642.857;2022;Sao Tome and Principe
        SUR;349.282;2022;Suriname
        SVK;116.774;2023;Slovakia
        SVN;231.275;2023;Slovenia
        SWE;40.695;2023;Sweden
        SWZ;172.414;2022;Eswatini
        SYC;564.516;2022;Seychelles
        SYR;701.661;2022;Syria
        TCA;653.846;2022;Turks and Caicos Islands
        TCD;628.571;2022;Chad
        TGO;443.182;2022;Togo
        THA;549.583;2023;Thailand
        TJK;116.858;2022;Tajikistan
        TKM;1306.025;2022;Turkmenistan
        TLS;666.667;2022;East Timor
        TON;625.0;2022;Tonga
        TTO;681.529;2022;Trinidad and Tobago
        TUN;563.956;2023;Tunisia
        TUR;464.586;2023;Turkey
        TWN;642.378;2023;Taiwan
        TZA;339.246;2022;Tanzania
        UGA;44.527;2022;Uganda
        UKR;259.693;2022;Ukraine
        URY;128.788;2023;Uruguay
        USA;369.473;2023;United States
        UZB;1167.603;2022;Uzbekistan
        VCT;529.412;2022;Saint Vincent and the Grenadines
        VEN;185.802;2022;Venezuela
        VGB;647.059;2022;British Virgin Islands
        VIR;632.353;2022;United States Virgin Islands
        VNM;475.449;2023;Vietnam
        VUT;571.429;2022;Vanuatu
        WSM;473.684;2022;Samoa
        YEM;566.102;2022;Yemen
        ZAF;707.686;2023;South Africa
        ZMB;111.967;2022;Zambia
        ZWE;297.872;2022;Zimbabwe
        """
}
